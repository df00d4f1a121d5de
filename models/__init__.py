"""The zoo: a folder a model, and the programs that write their nets."""
