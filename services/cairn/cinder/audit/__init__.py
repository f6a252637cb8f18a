"""What the database, the backends and the guests say of volumes, held against each other.

    rows, storage, servers   what each of the three says
    look                     all of it, of one moment
    contents, attachments, guests, statuses, backups, leftovers, keys
                             where they do not agree: each yields findings
    run                      two looks; what both have, and nobody is working on, is a finding
    report                   how an operator reads it
"""
