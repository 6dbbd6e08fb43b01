"""Results for other tools, by the standards of the Global Alliance for Genomics and Health: service-info, DRS, htsget.

A view reads a request, asks a lower room, and answers in the standard's words. What a job is and who may read it is
decided below, in gas.api and gas.jobs.
"""
