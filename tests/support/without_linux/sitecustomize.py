"""Makes the Python that starts with this folder on its path look like one of macOS.

What Linux alone has is taken away before any other module is imported: names of the standard
library, functions of the C library, ``/proc`` and ``/sys``. What macOS refuses and Linux takes is
refused. It cannot show what macOS does otherwise: its own file events, file systems and wheels.
"""

import ctypes
import errno
import fcntl
import os
import resource
import select
import selectors
import signal
import socket
import stat
import sys
import sysconfig
import time
import types
from fnmatch import fnmatchcase

GONE = {
    os: (
        "CLONE_* EFD_* GRND_* MFD_* POSIX_FADV_* RWF_* SCHED_* SPLICE_* TFD_* XATTR_* O_DIRECT "
        "O_LARGEFILE O_NOATIME O_PATH O_RSYNC O_TMPFILE P_PIDFD RTLD_DEEPBIND copy_file_range "
        "eventfd* fdatasync getrandom getresgid getresuid getxattr listxattr memfd_create "
        "pidfd_open pipe2 posix_fadvise posix_fallocate removexattr sched_* setns setresgid "
        "setresuid setxattr splice timerfd_* unshare waitid"
    ),
    select: "EPOLL* epoll",
    signal: "SIGPOLL SIGPWR SIGRT* SIGSTKFLT pidfd_* sigtimedwait sigwaitinfo",
    socket: (
        "AF_ALG AF_CAN AF_NETLINK AF_PACKET AF_TIPC AF_VSOCK SOCK_CLOEXEC SOCK_NONBLOCK "
        "SO_BINDTODEVICE SO_DOMAIN SO_MARK SO_PASSCRED SO_PEERCRED SO_PRIORITY SO_PROTOCOL "
        "TCP_CORK TCP_DEFER_ACCEPT TCP_INFO TCP_KEEPIDLE TCP_LINGER2 TCP_QUICKACK TCP_SYNCNT "
        "TCP_USER_TIMEOUT TCP_WINDOW_CLAMP"
    ),
    resource: "RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RT* RLIMIT_SIGPENDING RUSAGE_THREAD prlimit",
    fcntl: "DN_* F_ADD_SEALS F_GETPIPE* F_GET_SEALS F_NOTIFY F_OFD* F_SEAL_* F_SETPIPE* F_SETSIG",
    time: "CLOCK_BOOTTIME CLOCK_TAI pthread_getcpuclockid",
}
"""Names by module, with ``*`` for what they go on with."""
LIBRARY = ("epoll_", "eventfd", "fallocate", "inotify_", "prctl", "renameat2", "signalfd", "statx")
OPEN_MAX = 10_240
HIDDEN = (b"/proc", b"/sys")


def _is_hidden(path: object) -> bool:
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    name = os.fsencode(path)
    return any(name == one or name.startswith(one + b"/") for one in HIDDEN)


def _hide(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"open", "os.listdir", "os.scandir"} and _is_hidden(arguments[0]):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), arguments[0])


def _without_hidden(function):
    def asked(path, *arguments, **options):
        if _is_hidden(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return function(path, *arguments, **options)

    return asked


def _without_library(function):
    def found(library, name):
        if name.startswith(LIBRARY):
            raise AttributeError(f"dlsym: symbol not found: {name}")
        return function(library, name)

    return found


def _refusing_sockets(function):
    """fchmod(2) of macOS: a socket has no mode."""

    def changed(path, *arguments, **options):
        if isinstance(path, int) and stat.S_ISSOCK(os.fstat(path).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return function(path, *arguments, **options)

    return changed


def _refusing_more(function):
    """setrlimit(2) of macOS: no more files than OPEN_MAX, whatever the hard limit says."""

    def limited(kind, limits):
        if kind == resource.RLIMIT_NOFILE and limits[0] > OPEN_MAX:
            raise ValueError("current limit exceeds maximum limit")
        function(kind, limits)

    return limited


for _module, _patterns in GONE.items():
    for _name in dir(_module):
        if any(fnmatchcase(_name, _pattern) for _pattern in _patterns.split()):
            delattr(_module, _name)
del selectors.EpollSelector
selectors.DefaultSelector = selectors.PollSelector
if hasattr(os, "process_cpu_count"):
    os.process_cpu_count = os.cpu_count
_scproxy = types.ModuleType("_scproxy")  # macOS's proxies, which urllib imports there
_scproxy._get_proxies = dict
_scproxy._get_proxy_settings = dict
sys.modules["_scproxy"] = _scproxy
# This interpreter's own build has the name of its system.
os.environ["_PYTHON_SYSCONFIGDATA_NAME"] = sysconfig._get_sysconfigdata_name()
sys.platform = "darwin"
sys.addaudithook(_hide)
ctypes.CDLL.__getattr__ = _without_library(ctypes.CDLL.__getattr__)
os.stat, os.lstat, os.readlink = map(_without_hidden, (os.stat, os.lstat, os.readlink))
os.chmod = _refusing_sockets(os.chmod)
resource.setrlimit = _refusing_more(resource.setrlimit)
