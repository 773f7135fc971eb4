"""All about weights: open files safely, read, compare, fill a model, convert.

Nothing is imported here, because ``import mmstconv`` needs :mod:`.loaders` before
anything of MMAction2 may be imported. Name the module: ``checkpoints.reading`` opens a
file, ``checkpoints.doctor`` converts one, ``checkpoints.filling`` loads a model.
"""
