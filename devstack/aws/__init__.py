"""The emulated AWS: moto's server, behind layers that enforce what AWS does and moto does not.

From the outside in: `control` and `glacier.control_page` (pages of the devstack itself), `s3.cors`, `faults`,
`s3.guard`, `longpoll`, `mailbox`, `glacier.vault_service` (instead of moto's), `glacier.storage_classes`, moto. All
state is in one process: in memory, and what vaults hold in a temporary file. `provision` makes the buckets, queues and
the vault, as a deployment does.
"""
