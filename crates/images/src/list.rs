//! Which files of a folder are photos.

use std::io;
use std::path::{Path, PathBuf};

/// Endings of photos' names, in lower case.
const ENDINGS: [&str; 11] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "tif", "tiff", "gif",
];

/// Photos below a folder, and what else is there.
#[derive(Debug, Default)]
pub struct Listing {
    /// Relative to the folder, `/` between names, sorted by bytes.
    pub photos: Vec<PathBuf>,
    /// Files that are not named like photos.
    pub others: usize,
}

/// True where the name ends like a photo's.
pub fn is_photo(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// All photos below `folder`, by their names. Hidden files and folders are left out; links to
/// folders are not followed, for they may lead round in circles.
///
/// # Errors
/// Where the folder or one below it cannot be read.
pub fn photos(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(within) = folders.pop() {
        for entry in std::fs::read_dir(folder.join(&within))? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = within.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if is_photo(&path) {
                listing.photos.push(path);
            } else {
                listing.others += 1;
            }
        }
    }
    listing.photos.sort();
    Ok(listing)
}
