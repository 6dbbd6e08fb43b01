"""What the endpoints take and answer, one module for each resource."""
