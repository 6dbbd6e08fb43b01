"""Template tags of jobs: icons and fields (`ui`), words and numbers (`words`), bars (`charts`)."""
