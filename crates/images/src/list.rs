//! Finds the photos of a folder.

use std::io;
use std::path::{Path, PathBuf};

/// File name extensions of photos, in lower case.
const ENDINGS: [&str; 11] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "tif", "tiff", "gif",
];

/// The photos below a folder, and the number of other files.
#[derive(Debug, Default)]
pub struct Listing {
    /// Paths relative to the folder, with `/` as separator, sorted by bytes.
    pub photos: Vec<PathBuf>,
    /// Number of files without a photo's extension.
    pub others: usize,
}

/// Whether the name has a photo's extension.
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// use easylife_images::list::is_photo;
///
/// assert!(is_photo(Path::new("IMG_0001.JPG")));
/// assert!(!is_photo(Path::new("notes.txt")));
/// ```
pub fn is_photo(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Lists all photos below `folder`, by their names. Hidden files and folders are skipped; links to
/// folders are not followed, since they may form loops.
///
/// # Errors
/// If the folder or one below it cannot be read.
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
