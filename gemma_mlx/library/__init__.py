"""What is kept on disk: models, runs, chats, downloads."""
