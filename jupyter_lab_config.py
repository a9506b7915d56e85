"""JupyterLab's settings where it is started in this folder: it asks nobody for news or updates."""

c = get_config()  # noqa: F821  given by Jupyter
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
