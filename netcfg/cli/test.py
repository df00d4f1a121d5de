"""``netcfg test``: how well weights do on the test net."""

import argparse
from typing import Any

from netcfg.cli import nets, options


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "test",
        help="score weights on a net",
        description="Run a net with given weights over batches of its data; print the outputs of "
        "each batch and, at the end, the mean of every output.",
    )
    parser.add_argument("net", metavar="NET", nargs="?", help="prototxt of a net")
    parser.add_argument("--net", "--model", dest="net_option", metavar="NET", help="the same")
    parser.add_argument(
        "--weights",
        metavar="FILE",
        action="append",
        required=True,
        help="weights to load; several with commas, the last to name a layer counts",
    )
    parser.add_argument(
        "--iterations", type=options.positive, default=50, help="batches to run (default: 50)"
    )
    parser.add_argument(
        "--ap-version",
        choices=["Integral", "MaxIntegral", "11point"],
        default="Integral",
        help="how precision is averaged over recall where the net has a DetectionEvaluate layer: "
        "the plain sum (default), as VOC 2012 or as VOC 2007 has it",
    )
    parser.add_argument("--quiet", action="store_true", help="print the final means only")
    options.add_state(parser, "test")
    options.add_engine(parser)
    options.add_workers(parser)
    options.add_skip_bad_data(parser)
    options.add_ignore_mismatch(parser)
    options.add_ignore_field(parser)
    options.add_import(parser)


def run(args: argparse.Namespace) -> int:
    """Print the scores."""
    from netcfg.plugins import load_plugins
    from netcfg.scoring import Values, score, score_lines

    load_plugins(args.modules)
    config = nets.read(args, options.one_of(args.net, args.net_option, "the net"))
    with nets.build(args, config) as net:
        nets.load(args, net, args.weights)
        detects = any(layer.config.type == "DetectionEvaluate" for layer in net.layers)
        precision = args.ap_version if detects else ""

        def tell(i: int, outputs: Values) -> None:
            if not (args.quiet or precision):
                for line in score_lines(outputs, {}):
                    print(f"Batch {i}, {line}")

        result = score(net, args.iterations, tell, precision)
    for values in result.per_class.values():
        for label, value in values.items():
            print(f"class{label}: {value:g}")
    if result.weights:
        print(f"Loss: {result.loss:g}")
    for line in score_lines(result.outputs, result.weights):
        print(line)
    return 0
