"""What a service of systemd may not do: as much as a program that only listens and calls can do without."""

LINES = """\
# What the service may not do. `systemd-analyze security` explains each line.
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
PrivateTmp=yes
PrivateDevices=yes
{users}PrivateIPC=yes
RemoveIPC=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
# A program that compiles while it runs (a JIT, WebAssembly) needs this one to be `no`.
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""


def hardening(*, capabilities: bool = False) -> str:
    """Lines of a `[Service]`. A program with capabilities needs the machine's own users for them."""
    return LINES.format(users="" if capabilities else "PrivateUsers=yes\n")
