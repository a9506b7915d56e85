"""Picture ink on a surface: paper, worn print, light, the camera; surfaces without ink."""
