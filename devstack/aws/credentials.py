"""The one key pair that the embedded AWS accepts. It opens nothing else."""

ACCESS_KEY = "devstack"
SECRET_KEY = "devstack-secret"
REGION = "us-east-1"
#: The account that moto puts every caller into.
ACCOUNT = "123456789012"
