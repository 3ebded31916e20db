//! Files put in place durably: on return their bytes and their names survive a crash.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Mode of a file that its owner alone may read.
pub const PRIVATE_MODE: u32 = 0o600;
/// Mode of a file that anyone may read.
pub const PUBLIC_MODE: u32 = 0o644;

/// Creates or replaces a file. No moment shows half of it, or a private one to others: it is written under a temporary
/// name, its own and `.new`, that has the mode from the start.
///
/// Errors: those of the system; a former file is as it was.
pub fn replace(path: &Path, mode: u32, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let temporary = path.with_added_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fill(&temporary, mode, content)?;
    rename(&temporary, path)
}

/// Creates a file.
///
/// Errors: `AlreadyExists` where there is one, which stays; after any other there is none.
pub fn create(path: &Path, mode: u32, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    fill(path, mode, content)?;
    sync_folder_of(path).inspect_err(|_| forget(path))
}

/// Gives a file or a folder its name; a file of that name goes.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder_of(to)
}

/// Makes the names in a folder durable; where the file system does not sync folders, it sees to its names itself.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let cannot = [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported];
    match File::open(folder)?.sync_all() {
        Err(error) if cannot.contains(&error.kind()) => Ok(()),
        synced => synced,
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync_folder(folder.unwrap_or(Path::new(".")))
}

/// A new file with durable bytes, or none. Nothing of a secret stays in a buffer here.
fn fill(path: &Path, mode: u32, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    content(&mut file).and_then(|()| file.sync_all()).inspect_err(|_| forget(path))
}

/// What is left of a file that could not be written would only take space.
fn forget(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::{io::Write, os::unix::fs::PermissionsExt};

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        fs::read_dir(folder).unwrap().map(name).collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A disk that takes some bytes and no more.
    fn breaks_off(out: &mut File) -> io::Result<()> {
        out.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    }

    #[test]
    fn a_replaced_file_has_its_mode_even_over_an_open_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(PUBLIC_MODE)).unwrap();
        fs::write(folder.path().join("node.key.new"), "left by a crash").unwrap();
        replace(&path, PRIVATE_MODE, |out| out.write_all(b"new")).unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (b"new".as_slice(), PRIVATE_MODE));
        assert_eq!(names(folder.path()), ["node.key"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let full = io::ErrorKind::StorageFull;
        assert_eq!(create(&path, PRIVATE_MODE, breaks_off).unwrap_err().kind(), full);
        assert_eq!(names(folder.path()), Vec::<String>::new());
        create(&path, PRIVATE_MODE, |out| out.write_all(b"first")).unwrap();
        assert_eq!(replace(&path, PRIVATE_MODE, breaks_off).unwrap_err().kind(), full);
        let taken = create(&path, PUBLIC_MODE, |out| out.write_all(b"second")).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (b"first".as_slice(), PRIVATE_MODE));
        assert_eq!(names(folder.path()), ["node.key"]);
    }

    #[test]
    fn a_name_without_a_folder_is_one_of_the_folder_in_which_the_program_runs() {
        assert!(sync_folder_of(Path::new("node.key")).is_ok());
    }
}
