"""Beyond Django's own tags: icons and fields (`ui`), words and numbers (`words`), bars (`charts`)."""
