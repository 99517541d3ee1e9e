"""The page that the shop sees: static files, in French and English, served with the API."""
