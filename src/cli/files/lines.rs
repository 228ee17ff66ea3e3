//! A place for JSON lines: a file, or the output. A written line counts as delivered, so a line in a file must be on
//! the disk, and a line in a pipe must have been read.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, OpenOptionsExt},
    },
    path::Path,
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{Errno, ioctl_fionread},
};

use crate::{cli::files::open::PRIVATE, sink::place::Place};

/// A pipe is checked so often without a wait, while its reader gets the processor.
const GLANCES: u32 = 100;

/// Without a wait, and the longest wait from one look at a pipe to the next.
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// A place for lines.
#[derive(Debug)]
pub struct Lines {
    file: File,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A file that is ours: its end can be looked at.
    File,
    /// A file that the shell has opened, perhaps for others, too.
    Redirected,
    /// Somebody reads at the other end.
    Pipe,
    /// A terminal, a device.
    Other,
}

impl Lines {
    /// A file to append to, made where it is missing, and its place. A pipe or a device has no place.
    pub fn append(path: &Path) -> io::Result<(Self, Option<Place>)> {
        if path.exists() && !path.metadata()?.is_file() {
            // Not to be opened for reading: a pipe's only reader would be this program. To open a pipe that nobody reads
            // would take for ever, and no signal would end it.
            let waits_for_nobody = OFlags::NONBLOCK.bits().cast_signed();
            let file = File::options().append(true).custom_flags(waits_for_nobody).open(path).map_err(unread)?;
            fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
            return Ok((Self { kind: kind(&file)?, file }, None));
        }
        let made = !path.exists();
        let file = File::options().read(true).append(true).create(true).mode(PRIVATE).open(path)?;
        if made {
            // A file's name is on the disk when its folder is.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        let place = Place::of_open(path, &file)?;
        Ok((Self { file, kind: Kind::File }, Some(place)))
    }

    /// The output of this program, without a buffer in between.
    pub fn output() -> io::Result<Self> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { kind: kind(&file)?, file })
    }

    /// Adds lines to a file and waits until they are on the disk. All of them, or none.
    fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        let whole = self.file.metadata()?.len();
        let is_cut = self.kind == Kind::File && self.ends_within_a_line(whole)?;
        let before: &[u8] = if is_cut { b"\n" } else { b"" };
        let from = self.file.stream_position()?;
        let added = self.file.write_all(&[before, lines].concat()).and_then(|()| self.file.sync_data());
        if added.is_err() {
            // If that fails too, the next write to a file of ours finds half a line.
            self.take_back(whole, from).unwrap_or_default();
        }
        added
    }

    /// Cuts the file as it was before, unless others have added to it since.
    fn take_back(&mut self, whole: u64, from: u64) -> io::Result<()> {
        if self.file.stream_position()? == self.file.metadata()?.len() {
            self.file.set_len(whole)?;
            self.file.seek(SeekFrom::Start(from))?;
        }
        Ok(())
    }

    /// Whether a crash has cut the last line short. It must not swallow the next one.
    fn ends_within_a_line(&mut self, length: u64) -> io::Result<bool> {
        if length == 0 {
            return Ok(false);
        }
        let mut last = [0];
        self.file.seek(SeekFrom::End(-1))?;
        self.file.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }
}

/// What it means that a pipe cannot be opened.
fn unread(error: io::Error) -> io::Error {
    let is_pipe_without_reader = error.raw_os_error() == Some(Errno::NXIO.raw_os_error());
    if is_pipe_without_reader { io::Error::other("nobody reads the pipe: start its reader first") } else { error }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.kind {
            Kind::File | Kind::Redirected => self.add(bytes),
            // Line by line: whoever goes after the first has not read the second, which a pipe would have taken all the same.
            Kind::Pipe => bytes.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| {
                self.file.write_all(line)?;
                until_read(&self.file)
            }),
            Kind::Other => self.file.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn kind(file: &File) -> io::Result<Kind> {
    let kind = file.metadata()?.file_type();
    Ok(if kind.is_file() {
        Kind::Redirected
    } else if kind.is_fifo() {
        Kind::Pipe
    } else {
        Kind::Other
    })
}

/// Waits until a pipe is empty. A signal ends the wait, and so does the end of the reader: the rest of the pipe is not
/// read.
fn until_read(pipe: &File) -> io::Result<()> {
    for glance in 0_u32.. {
        // In this order: a reader who goes after the last letter has read everything.
        let wait = if glance < GLANCES { NOW } else { LOOK };
        let left = is_left(pipe, &wait)?;
        if ioctl_fionread(pipe).unwrap_or(0) == 0 {
            return Ok(());
        }
        if left {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        thread::yield_now();
    }
    Ok(())
}

/// Whether the reader of the output is gone.
pub fn is_unread() -> bool {
    is_left(io::stdout(), &NOW).unwrap_or(false)
}

fn is_left(output: impl AsFd, wait: &Timespec) -> io::Result<bool> {
    let mut looked = [PollFd::new(&output, PollFlags::empty())];
    poll(&mut looked, Some(wait))?;
    Ok(looked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Write, pipe},
        os::fd::OwnedFd,
    };

    use super::*;

    #[test]
    fn half_a_line_is_closed_before_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let (mut lines, place) = Lines::append(&path).unwrap();
        assert!(place.unwrap().holds());
        lines.write_all(b"1\n2\n").unwrap();
        // Not only a line that was there when the file was opened.
        File::options().append(true).open(&path).unwrap().write_all(b"{\"cut").unwrap();
        lines.write_all(b"3\n").unwrap();
        lines.write_all(b"4\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n{\"cut\n3\n4\n");
    }

    #[test]
    fn a_line_in_a_pipe_counts_once_it_is_read() {
        let (mut reader, writer) = pipe().unwrap();
        let mut lines = Lines { file: File::from(OwnedFd::from(writer)), kind: Kind::Pipe };
        let writer = thread::spawn(move || {
            lines.write_all(b"1\n").unwrap();
            lines.write_all(b"2\n3\n").map_err(|error| error.kind())
        });
        let mut line = [0; 2];
        reader.read_exact(&mut line).unwrap();
        drop(reader);
        assert_eq!((line, writer.join().unwrap()), (*b"1\n", Err(io::ErrorKind::BrokenPipe)));
    }
}
