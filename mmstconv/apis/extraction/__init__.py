"""Frames, flow and features of sound as files, as MMAction2's data sets lay them out.

Nothing here is needed to train: pipelines compute the same on the way. It is for those
whose tools want files.
"""
