model_sources = viewer/model/model.h
