"""Which layers of a net exist in a given state: the include and exclude rules."""

from collections.abc import Iterable, Sequence

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, NetState, NetStateRule, Phase
from netcfg.places import where


def filter_net(net: NetParameter, state: NetState) -> NetParameter:
    """Return a copy of an upgraded net with the layers that ``state`` calls for.

    A layer with ``include`` rules is there if one of them holds, one with ``exclude`` rules unless
    one of them holds. ``state`` of the copy is ``state``, and so is ``phase`` of its layers.

    Raises:
        NetError: a layer has both kinds of rules, or a ``phase`` that is not the net's.
    """
    if net.layers:
        raise NetError("a net with 'layers' must be upgraded before its phases are chosen")
    filtered = NetParameter()
    filtered.CopyFrom(net)
    del filtered.layer[:]
    filtered.layer.extend(layer for layer in net.layer if _included(layer, state))
    filtered.state.CopyFrom(state)
    filtered.state.phase = state.phase
    for layer in filtered.layer:
        if layer.HasField("phase") and layer.phase != state.phase:
            own, given = Phase.Name(layer.phase), Phase.Name(state.phase)
            raise NetError(
                f"{where(layer)}: phase {own} must be that of the net, {given}; "
                f"to have the layer in one phase only, write include {{ phase: {own} }}"
            )
        layer.phase = state.phase
    return filtered


def left_out(net: NetParameter, state: NetState) -> list[LayerParameter]:
    """Return the layers that ``filter_net`` drops."""
    return [layer for layer in net.layer if not _included(layer, state)]


def merge_states(phase: Phase, states: Iterable[NetState]) -> NetState:
    """Return the state that a solver runs a net in.

    Args:
        phase: what holds where no state sets one.
        states: what the net and the solver set, in this order: the last phase and level count, and
            stages add up.
    """
    merged = NetState(phase=phase)
    for state in states:
        merged.MergeFrom(state)
    return merged


def meets(state: NetState, rule: NetStateRule) -> bool:
    """Return whether every condition of a rule holds in a state."""
    return (
        (not rule.HasField("phase") or rule.phase == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and set(rule.stage) <= set(state.stage)
        and not set(rule.not_stage) & set(state.stage)
    )


def _included(layer: LayerParameter, state: NetState) -> bool:
    if layer.include and layer.exclude:
        raise NetError(
            f"{where(layer)}: must have include or exclude rules, not both; given "
            f"{len(layer.include)} include and {len(layer.exclude)} exclude"
        )
    if layer.include:
        return _any_met(layer.include, state)
    return not _any_met(layer.exclude, state)


def _any_met(rules: Sequence[NetStateRule], state: NetState) -> bool:
    return any(meets(state, rule) for rule in rules)
