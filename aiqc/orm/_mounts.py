"""Which paths are on a network file system, where a write-ahead log cannot be."""

from __future__ import annotations

from pathlib import Path

#: file systems whose locks or shared memory cannot carry a write-ahead log
NETWORK_TYPES = frozenset(
    [
        "9p",
        "afs",
        "afpfs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.ceph-fuse",
        "fuse.curlftpfs",
        "fuse.davfs2",
        "fuse.glusterfs",
        "fuse.grpcfuse",
        "fuse.gvfsd-fuse",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "prl_fs",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "vmhgfs",
        "fuse.vmhgfs-fuse",
    ]
)


def on_network(path: Path) -> bool:
    """Return whether a file is, or would be, on a network file system; Linux only."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return mount_type(path.resolve(), mounts) in NETWORK_TYPES


def mount_type(path: Path, mounts: str) -> str:
    r"""Return the file-system type of the mount that holds a path.

    Examples
    --------
    >>> mount_type(Path("/home/ada/x.db"), "/dev/sda1 / ext4 rw 0 0\nnas:/h /home nfs4 rw 0 0")
    'nfs4'
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, mount point, type
            continue
        point = Path(_unescaped(fields[1]))
        # the last mount over the same point is the one in force
        if len(point.parts) >= best and path.is_relative_to(point):
            best, kind = len(point.parts), fields[2]
    return kind


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
