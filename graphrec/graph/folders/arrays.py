"""Arrays in files that are checked when they are read: what was written, or an error that names the file.

    checksums       every file of a folder: its size, its array, and the CRC-32 of each page of 64 KiB
    meta.json       what the folder says about itself, with its own digest and that of `checksums`

A reader of one row checks the pages of that row; who needs an array as a whole checks all of it once. Only numpy is
needed to read.
"""

import hashlib
import json
import mmap
import os
import weakref
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graphrec.errors import Damaged, SchemaOutdated
from graphrec.files import whole_file

PAGE = 65536
"""Bytes that one checksum covers."""
CHECKSUMS = "checksums"
"""The file of a folder that holds its checksums."""
META = "meta.json"
"""The file of a folder that says what it is."""
SEAL = "seal"
"""The key of meta.json that holds the digest of all other keys."""
_MAGIC = b"graphrec checksums 1\n"
_DIGEST = 32
# Where a request touches more than this part of an array, checking all of it is quicker than finding its pages.
_LARGE_PART = 8
# Arrays of so few pages are checked at once.
_FEW_PAGES = 4
_TENSORS: Mapping[str, DTypeLike] = {
    "F64": np.float64, "F32": np.float32, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip


def seal(folder: Path, meta: Mapping[str, Any]) -> None:
    """Write the checksums of every file below a folder, and its meta.json, for `CheckedFolder.open`.

    Args:
        meta: what the folder says about itself; its key `format` is the number of the form it is in.

    Raises:
        ValueError: an array is in Fortran order, which has no rows to check one by one.
    """
    described: dict[str, Any] = {}
    sums: list[int] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name in (CHECKSUMS, META):
            continue
        with path.open("rb") as file:
            while page := file.read(PAGE):
                sums.append(zlib.crc32(page))
            described[name] = {"size": file.tell(), "array": None}
        if path.suffix == ".npy":
            described[name]["array"] = _described(path)
    head = json.dumps(described, ensure_ascii=False).encode()
    content = _MAGIC + len(head).to_bytes(8, "little") + head + np.array(sums, "<u4").tobytes()
    digest = hashlib.sha256(content)
    (folder / CHECKSUMS).write_bytes(content + digest.digest())
    write_sealed(folder / META, {**meta, CHECKSUMS: digest.hexdigest()})


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with the digest of its content, for `read_sealed`."""
    sealed = {**content, SEAL: _digest_of(content)}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(sealed, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")


def read_sealed(path: Path, form: int, remedy: str, *, folder: int | None = None) -> dict[str, Any]:
    """The content that `write_sealed` wrote.

    Args:
        form: the value of the key `format` that this graphrec reads.
        remedy: the end of an error's line: the next command.
        folder: the open folder of the file, where its path may come to name another one.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such file.
        SchemaOutdated: it has another format.
        Damaged: it is not what was written.
    """
    try:
        handle = os.open(path, os.O_RDONLY) if folder is None else os.open(path.name, os.O_RDONLY, dir_fd=folder)
        with os.fdopen(handle, "rb") as file:
            content = json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}; {remedy}") from None
    except (ValueError, RecursionError):
        raise Damaged(f"{path} is damaged: it is no JSON; {remedy}") from None
    if not isinstance(content, dict):
        raise Damaged(f"{path} is damaged: it is no JSON object; {remedy}")
    found = content.get("format")
    if found != form:
        raise SchemaOutdated(f"{path.parent} has format {found!r}, this graphrec reads {form}; {remedy}")
    if content.pop(SEAL, None) != _digest_of(content):
        raise Damaged(f"{path} is damaged: its content is not what was written; {remedy}")
    return content


class CheckedArray:
    """A read-only array in a file, whose pages are checked before the first use of each.

    Slices, single rows and arrays of row numbers check the pages of these rows. `whole()`, which `numpy.asarray` calls
    too, checks all of it once and returns the array itself: for compiled code, comparisons and arithmetic. Threads may
    share it.
    """

    __slots__ = ("_data", "_file", "_first", "_is_checked", "_last", "_offset", "_row_bytes", "dtype", "shape")

    def __init__(self, file: "_File", data: NDArray[Any], offset: int) -> None:
        self._file = file
        self._data = data
        self._offset = offset
        self._row_bytes = data.strides[0] if data.ndim else data.itemsize
        self._first, self._last = offset // PAGE, -(-(offset + data.nbytes) // PAGE)
        self._is_checked = not data.nbytes
        self.dtype = data.dtype
        self.shape = data.shape

    @classmethod
    def given(cls, data: NDArray[Any]) -> "CheckedArray":
        """An array in memory, which needs no checks."""
        array = cls.__new__(cls)
        array._data, array._is_checked = data, True
        array.dtype, array.shape = data.dtype, data.shape
        return array

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self._data.size)

    @property
    def nbytes(self) -> int:
        """The number of bytes of the elements."""
        return int(self._data.nbytes)

    def damaged(self, what: str) -> Damaged:
        """The error of an array whose content cannot be right."""
        return self._file.damaged(what)

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.whole())

    def __getitem__(self, key: Any) -> Any:
        """The same as of an array.

        Raises:
            Damaged: a page of these rows is not what was written.
        """
        # First the key itself: numpy refuses rows that are not there.
        found = self._data[key]
        if not self._is_checked and self._file.is_whole:
            self._is_checked = True
        if not self._is_checked:
            if isinstance(key, int | np.integer) and not isinstance(key, bool):
                row = int(key) if key >= 0 else int(key) + len(self._data)
                self._check(row, row + 1)
            elif isinstance(key, slice):
                start, stop, step = key.indices(len(self._data))
                if step < 0:
                    start, stop = start + (len(range(start, stop, step)) - 1) * step, start + 1
                self._check(start, stop)
            else:
                self._check_some(key[0] if isinstance(key, tuple) and key else key)
        return found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        array = self.whole()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def whole(self) -> NDArray[Any]:
        """The array, read-only, after a check of all its pages.

        Raises:
            Damaged: a page is not what was written.
        """
        if not self._is_checked:
            self._file.check(self._first, self._last)
            self._is_checked = True
        return self._data

    def _check(self, low: int, high: int) -> None:
        """Check the pages of the rows from `low` to before `high`."""
        if low < high:
            first = (self._offset + low * self._row_bytes) // PAGE
            last = (self._offset + high * self._row_bytes - 1) // PAGE + 1
            if not self._file.is_checked(first, last):
                if self._last - self._first <= _FEW_PAGES:
                    first, last = self._first, self._last
                self._file.check(first, last)
                self._is_checked = self._file.is_checked(self._first, self._last)

    def _check_some(self, key: Any) -> None:
        """Check the pages of the rows that an array of row numbers names; for other keys all pages."""
        rows = np.asarray(key) if isinstance(key, np.ndarray | list) else None
        if rows is None or rows.dtype.kind not in "iu" or rows.size * _LARGE_PART >= len(self._data):
            if rows is None or rows.size:
                self.whole()
            return
        rows = rows.ravel().astype(np.int64)
        starts = self._offset + np.where(rows < 0, rows + len(self._data), rows) * self._row_bytes
        first, last = starts // PAGE, (starts + self._row_bytes - 1) // PAGE
        for step in range(int((last - first).max(initial=-1)) + 1):
            self._file.check_pages(np.minimum(first + step, last))
        self._is_checked = self._file.is_checked(self._first, self._last)


class OverlaidFiles:
    """The files of a folder of which some are replaced by arrays in memory."""

    def __init__(self, files: "CheckedFolder", own: Mapping[str, NDArray[Any]]) -> None:
        self.folder = files.folder
        self._files = files
        self._own = {name: CheckedArray.given(array) for name, array in own.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._own or name in self._files

    def array(self, name: str) -> CheckedArray:
        """The array of a `.npy` file, or what stands for it."""
        return self._own[name] if name in self._own else self._files.array(name)

    def verify(self, without: tuple[str, ...] = ()) -> None:
        """Check every page of every file of the folder."""
        self._files.verify(without)


class CheckedFolder:
    """The files of a folder that `seal` closed, each opened when it is first asked for and checked where it is read.

    The folder is held open: files put into its place later, under the same path, are never mixed with its own.
    """

    def __init__(self, folder: Path, handle: int, meta: Mapping[str, Any], remedy: str) -> None:
        self.folder = folder
        self.meta = meta
        """What meta.json says."""
        self._handle = handle
        self._remedy = remedy
        self._described, sums = self._checksums(meta.get(CHECKSUMS))
        self._sums: dict[str, NDArray[np.uint32]] = {}
        self._files: dict[str, _File] = {}
        first = 0
        for name, entry in self._described.items():
            pages = -(-entry["size"] // PAGE)
            self._sums[name] = sums[first : first + pages]
            first += pages

    @classmethod
    def open(cls, folder: Path, form: int, remedy: str, *, hold: bool = False) -> "CheckedFolder":
        """The files of a folder that `seal` closed.

        Args:
            form: the format that this graphrec reads.
            remedy: the end of an error's line: the next command.
            hold: open every file now: whatever happens to the folder, reading goes on. For folders of few files.

        Raises:
            FileNotFoundError, NotADirectoryError: there is no such folder, or nothing in it.
            SchemaOutdated: it has another format.
            Damaged: meta.json or the checksums are not what was written; with `hold`, or a file has another size.
        """
        while True:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                opened = cls(folder, handle, read_sealed(folder / META, form, remedy, folder=handle), remedy)
                for name in opened._described if hold else ():
                    opened._file(name)
            except BaseException as error:
                replaced = isinstance(error, Damaged | OSError) and _is_replaced(folder, handle)
                os.close(handle)
                if not replaced:
                    raise
            else:
                weakref.finalize(opened, os.close, handle)
                return opened

    def __contains__(self, name: str) -> bool:
        return name in self._described

    @property
    def names(self) -> list[str]:
        """The files, as paths below the folder."""
        return list(self._described)

    def array(self, name: str) -> CheckedArray:
        """The array of a `.npy` file.

        Raises:
            Damaged: the file is missing, or has another size.
        """
        kind, shape, offset = self._described[name]["array"]
        file = self._file(name)
        dtype, count = np.dtype(kind), int(np.prod(shape, dtype=np.int64))
        return CheckedArray(file, np.frombuffer(file.content, dtype, count, offset).reshape(shape), offset)

    def tensors(self, name: str) -> dict[str, CheckedArray]:
        """The arrays of a `.safetensors` file by name.

        Raises:
            Damaged: the file is missing, has another size, or its header is not what was written.
        """
        file = self._file(name)
        file.check(0, 1)
        size = int.from_bytes(file.content[:8], "little")
        file.check(0, -(-(8 + size) // PAGE))
        arrays = {}
        for key, entry in json.loads(bytes(file.content[8 : 8 + size])).items():
            if key != "__metadata__":
                start, end = entry["data_offsets"]
                dtype = np.dtype(_TENSORS[entry["dtype"]])
                data = np.frombuffer(file.content, dtype, (end - start) // dtype.itemsize, 8 + size + start)
                arrays[key] = CheckedArray(file, data.reshape(entry["shape"]), 8 + size + start)
        return arrays

    def content(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            Damaged: the file is not what was written.
        """
        file = self._file(name)
        file.check(0, len(self._sums[name]))
        return bytes(file.content)

    def verify(self, without: tuple[str, ...] = ()) -> None:
        """Check every page of every file.

        Args:
            without: what the names of files begin with that need not be there.

        Raises:
            Damaged: one is not what was written.
        """
        for name in self._described:
            if not name.startswith(without):
                self._file(name).check(0, len(self._sums[name]))

    def _checksums(self, digest: object) -> tuple[dict[str, Any], NDArray[np.uint32]]:
        """The files of the folder, and the sums of all their pages one after another."""
        path = self.folder / CHECKSUMS
        try:
            with os.fdopen(os.open(CHECKSUMS, os.O_RDONLY, dir_fd=self._handle), "rb") as file:
                content = file.read()
        except OSError as error:
            raise Damaged(f"{path} cannot be read: {error.strerror}; {self._remedy}") from None
        body, own = content[:-_DIGEST], content[-_DIGEST:]
        if hashlib.sha256(body).digest() != own:
            raise Damaged(f"{path} is damaged: its content is not what was written; {self._remedy}")
        if own.hex() != digest or not body.startswith(_MAGIC):
            raise Damaged(f"{path} is damaged: it holds the checksums of other files; {self._remedy}")
        start = len(_MAGIC) + 8
        end = start + int.from_bytes(body[start - 8 : start], "little")
        return json.loads(body[start:end]), np.frombuffer(body[end:], "<u4")

    def _file(self, name: str) -> "_File":
        if name not in self._files:
            size, path = self._described[name]["size"], self.folder / name
            try:
                handle = os.open(name, os.O_RDONLY, dir_fd=self._handle)
            except OSError as error:
                raise Damaged(f"{path} cannot be read: {error.strerror}; {self._remedy}") from None
            try:
                found = os.fstat(handle).st_size
                if found != size:
                    raise Damaged(f"{path} is damaged: it has {found:,} bytes of {size:,}; {self._remedy}")
                content = memoryview(mmap.mmap(handle, 0, access=mmap.ACCESS_READ)) if size else memoryview(b"")
            finally:
                os.close(handle)
            # Two threads may both come here; either file serves.
            self._files.setdefault(name, _File(path, content, self._sums[name], self._remedy))
        return self._files[name]


class _File:
    """A mapped file with the checksum of each page, and which pages were checked.

    Threads need no lock: a page that two of them check is checked twice, and each mark is one byte.
    """

    __slots__ = ("_remedy", "_seen", "_sums", "content", "is_whole", "path")

    def __init__(self, path: Path, content: memoryview, sums: NDArray[np.uint32], remedy: str) -> None:
        self.path = path
        self.content = content
        self._sums = sums
        self._remedy = remedy
        self._seen = bytearray(len(sums))
        self.is_whole = False
        """Whether it is known that all pages were checked."""

    def is_checked(self, first: int, last: int) -> bool:
        """Whether the pages from `first` to before `last` were checked."""
        return self._seen.find(0, first, last) < 0

    def check(self, first: int, last: int) -> None:
        """Check the pages from `first` to before `last`."""
        page = self._seen.find(0, first, last)
        while page >= 0:
            self._check_page(page)
            page = self._seen.find(0, page + 1, last)
        if (first, last) == (0, len(self._seen)):
            self.is_whole = True

    def check_pages(self, pages: NDArray[np.int64]) -> None:
        """Check some pages."""
        unseen = pages[np.frombuffer(self._seen, np.uint8)[pages] == 0]
        # A set: `np.unique` imports numpy.ma, 12 ms of a cold start.
        for page in sorted(set(unseen.tolist())):
            self._check_page(page)

    def _check_page(self, page: int) -> None:
        start = page * PAGE
        if zlib.crc32(self.content[start : start + PAGE]) != self._sums[page]:
            end = min(start + PAGE, len(self.content))
            raise self.damaged(f"its bytes {start:,} to {end:,} are not what was written")
        self._seen[page] = 1

    def damaged(self, what: str) -> Damaged:
        """The error of this file."""
        return Damaged(f"{self.path} is damaged: {what}; {self._remedy}")


def _described(path: Path) -> tuple[str, list[int], int]:
    """The dtype, the shape and the first byte of the array in a `.npy` file."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read(file)
        if is_fortran and len(shape) > 1:
            raise ValueError(f"{path}: an array in Fortran order cannot be checked by rows")
        return dtype.str, list(shape), file.tell()


def _digest_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _is_replaced(folder: Path, handle: int) -> bool:
    """Whether another folder has come to the path of an open one."""
    try:
        return not os.path.samestat(folder.stat(), os.fstat(handle))
    except OSError:
        return False
