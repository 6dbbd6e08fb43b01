"""What S3 enforces and moto does not: CORS, presigned URLs and forms, and their policies."""
