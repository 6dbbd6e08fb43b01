"""The embedded AWS: moto's server, behind layers that enforce what AWS does and moto does not.

From the outside in: `control` and `retrievalpage` (our own pages), `cors`, `faults`, `guard`, `longpoll`, `mailbox`,
`glacier` (the vault service, instead of moto's), `coldstorage` (S3's Glacier storage classes), moto. All of its state
is in one process: in memory, and what vaults hold in a temporary file.
"""
