"""A file system in a file, whose power can be cut: what was not flushed is gone. Needs root and loop mounts."""
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN, and XFS_IOC_GOINGDOWN
NO_LOG_FLUSH = 2       # the same of both
SYSTEMS = ("ext4", "xfs")
OPTIONS = {"ext4": ["-q", "-F"], "xfs": ["-q", "-f"]}
IMAGE_BYTES = 512 << 20  # mkfs.xfs wants 300 MiB; the file has holes


class Disk:
    def __init__(self, folder, system):
        self.image, self.place = os.path.join(folder, "image"), os.path.join(folder, "disk")
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        os.mkdir(self.place)
        self.is_mounted = False
        subprocess.run(["mkfs." + system, *OPTIONS[system], self.image], check=True, capture_output=True, timeout=60)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True, capture_output=True, timeout=60)
        self.is_mounted = True

    def unmount(self):
        if self.is_mounted:  # of a file system without power os.path.ismount says no
            subprocess.run(["umount", self.place], check=True, capture_output=True, timeout=60)
        self.is_mounted = False

    def cut_power(self):
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)


def may_mount(system):
    """None, or why there can be no power cuts on it here."""
    if os.geteuid() != 0:
        return "this is not root"
    for program in ("mkfs." + system, "mount"):
        if shutil.which(program) is None:
            return program + " is not installed"
    folder = tempfile.mkdtemp(prefix="onhand-disk-")
    try:
        disk = Disk(folder, system)
        try:
            disk.cut_power()
        finally:
            disk.unmount()
        return None
    except (OSError, subprocess.SubprocessError) as problem:
        return "a loop mount or its shutdown is refused: %s" % problem
    finally:
        shutil.rmtree(folder)
