"""Batches for data layers: sources yield records, a transform turns them into arrays.

Batch ``k`` of a feed is a function of the seed, the layer's name and ``k`` alone, whichever thread
makes it, so that a run is repeated by its seed and resumed by its batch count.
"""
