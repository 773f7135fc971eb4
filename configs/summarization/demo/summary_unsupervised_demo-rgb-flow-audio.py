# mim train mmstconv summary_unsupervised_demo-rgb-flow-audio.py
# Nobody's scores are read in training: diversity and representativeness (Zhou 2018).
_base_ = ["./summary_demo-rgb-flow-audio.py"]

model = dict(cls_head=dict(type="UnsupervisedSummaryHead", share=0.3, levels=None))
