"""The embedded AWS: moto's server, behind layers that enforce what AWS does and moto does not.

From the outside in: `control` (our own pages), `cors`, `faults`, `guard`, `longpoll`, `mailbox`, moto. All of
its state is in the memory of one process.
"""
