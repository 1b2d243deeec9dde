"""What a person sees in JupyterLab, Notebook and Voila, driven in Chromium."""
