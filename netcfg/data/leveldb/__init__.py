"""LevelDB folders, read and written without LevelDB.

A folder holds sorted tables that never change (``.ldb``, once ``.sst``), a log of what is not in a
table yet, and a manifest, named by ``CURRENT``, which lists the tables that count. Formats:
https://github.com/google/leveldb/tree/main/doc.
"""
