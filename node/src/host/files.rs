//! Files put in place durably: on return their bytes and their names survive a crash, as far as the file system lets
//! names be made durable. A real disk in every node, also in a simulated one.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Mode of a file that its owner alone may read.
pub const PRIVATE_MODE: u32 = 0o600;
/// Mode of a file that anyone may read.
pub const PUBLIC_MODE: u32 = 0o644;

/// A file that gets its name once it is whole, in the place of any of that name. Until then it has a temporary one, its
/// own and `.new`, and its mode from the start; dropped before, it is gone.
pub struct Growing {
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    named: bool,
}

impl Growing {
    /// Begins a file; one that a crash left goes.
    pub fn begin(path: &Path, mode: u32) -> io::Result<Self> {
        let temporary = path.with_added_extension("new");
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::options().write(true).create_new(true).mode(mode).open(&temporary)?;
        Ok(Self { path: path.to_path_buf(), temporary, file, named: false })
    }

    /// Gives it its name. Durable on return.
    ///
    /// Errors: those of the system. A former file is as it was, unless the folder alone could not be synced, which the
    /// error says: then the new one is there.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let names = Names::beside(&self.path)?;
        fs::rename(&self.temporary, &self.path)?;
        self.named = true;
        names.sync()
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if !self.named {
            forget(&self.temporary);
        }
    }
}

/// Creates or replaces a file. No moment shows half of it, or a private one to others.
///
/// Errors: as [`Growing::finish`].
pub fn replace(
    path: &Path,
    mode: u32,
    content: impl FnOnce(&mut Growing) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = Growing::begin(path, mode)?;
    content(&mut file)?;
    file.finish()
}

/// Creates a file.
///
/// Errors: `AlreadyExists` where there is one, which stays; after any other there is none.
pub fn create(path: &Path, mode: u32, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let names = Names::beside(path)?;
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    let written = content(&mut file).and_then(|()| file.sync_all()).and_then(|()| names.sync());
    written.inspect_err(|_| forget(path))
}

/// Gives a file or a folder its name; a file of that name goes.
///
/// Errors: those of the system; nothing is renamed, unless the folder alone could not be synced, which the error says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let names = Names::beside(to)?;
    fs::rename(from, to)?;
    names.sync()
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    Names::of(folder)?.sync()
}

/// The names in a folder, opened before they change: what cannot be opened is told while all is as it was. Nothing for a
/// folder in which one may write but not read.
struct Names(Option<File>);

impl Names {
    fn of(folder: &Path) -> io::Result<Self> {
        match File::open(folder) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Self(None)),
            folder => folder.map(|folder| Self(Some(folder))),
        }
    }

    /// Those among which a path's name is.
    fn beside(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self::of(folder.unwrap_or(Path::new(".")))
    }

    /// Some file systems do not sync folders: their names are as durable as they make them.
    fn sync(self) -> io::Result<()> {
        match self.0.map_or(Ok(()), |folder| folder.sync_all()) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), format!("its folder cannot be synced: {error}"))),
            Ok(()) => Ok(()),
        }
    }
}

/// What is left of a file that could not be written would only take space.
fn forget(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        fs::read_dir(folder).unwrap().map(name).collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A disk that takes some bytes and no more.
    fn breaks_off<Out: Write>(out: &mut Out) -> io::Result<()> {
        out.write_all(b"half")?;
        Err(ErrorKind::StorageFull.into())
    }

    #[test]
    fn a_replaced_file_has_its_mode_even_over_an_open_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(PUBLIC_MODE)).unwrap();
        fs::write(folder.path().join("node.key.new"), "left by a crash").unwrap();
        let content = |out: &mut Growing| {
            out.write_all(b"new")?;
            assert_eq!(fs::read(&path)?, b"old", "it has its name only when it is whole");
            Ok(())
        };
        replace(&path, PRIVATE_MODE, content).unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (b"new".as_slice(), PRIVATE_MODE));
        assert_eq!(names(folder.path()), ["node.key"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let full = ErrorKind::StorageFull;
        assert_eq!(create(&path, PRIVATE_MODE, breaks_off).unwrap_err().kind(), full);
        assert_eq!(names(folder.path()), Vec::<String>::new());
        create(&path, PRIVATE_MODE, |out| out.write_all(b"first")).unwrap();
        assert_eq!(replace(&path, PRIVATE_MODE, breaks_off).unwrap_err().kind(), full);
        let taken = create(&path, PUBLIC_MODE, |out| out.write_all(b"second")).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (b"first".as_slice(), PRIVATE_MODE));
        assert_eq!(names(folder.path()), ["node.key"]);
    }

    #[test]
    fn a_file_that_cannot_get_its_name_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        replace(&path, PRIVATE_MODE, |out| out.write_all(b"a token")).unwrap_err();
        drop(Growing::begin(&path, PRIVATE_MODE).unwrap());
        assert_eq!(names(folder.path()), ["taken"]);
        let nowhere = folder.path().join("missing").join("name");
        assert_eq!(create(&nowhere, PRIVATE_MODE, |_| Ok(())).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(rename(&path, &nowhere).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn a_name_without_a_folder_is_one_of_the_folder_in_which_the_program_runs() {
        assert!(Names::beside(Path::new("node.key")).unwrap().0.is_some());
    }
}
