"""Files as a listing sees them, from a path and the few facts a test is about."""

from indexer.model import Listing, ParquetFileInfo, RegisteredFile


def seen(
    path: str, *, size: int = 100, time: int = 1000, device: int = 1, inode: int = 7
) -> ParquetFileInfo:
    """A file on the disk; the root is ``/storage``."""
    return ParquetFileInfo(
        path=f"/storage/{path}",
        relative_path=path,
        size_bytes=size,
        modified_unix_nano=time,
        device=device,
        inode=inode,
    )


def known(
    path: str, *, size: int = 100, time: int = 1000, device: int = 1, inode: int = 7
) -> RegisteredFile:
    """The same file as the index remembers it."""
    return RegisteredFile(
        file_id=1,
        relative_path=path,
        size_bytes=size,
        modified_unix_nano=time,
        device=device,
        inode=inode,
        footer_digest="",
    )


def listed(*files: ParquetFileInfo, unlisted: tuple[str, ...] = ()) -> Listing:
    return Listing(files=files, unlisted=tuple((folder, "no answer") for folder in unlisted))


def by_path(*files: RegisteredFile) -> dict[str, RegisteredFile]:
    return {file.relative_path: file for file in files}
