"""Programs that write the nets of the zoo: one module a family, run by ``tools/gen_models.py``.

Each module has ``models()``, which yields what belongs into folders of ``models/``.
"""
