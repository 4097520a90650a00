//! A limit on the size of files (`ulimit -f`, quotas of batch systems) as an error of the write that
//! exceeds it, like a full disk.

/// From here on a write beyond the limit fails with "File too large" instead of ending the process by
/// SIGXFSZ. For a program's `main`.
#[cfg(unix)]
pub fn fail_beyond_file_size() {
    // SAFETY: no handler is installed; ignoring a signal has no other effect.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// In a child between fork and exec: gives the signal back the meaning that other programs expect.
#[cfg(unix)]
pub fn end_beyond_file_size() {
    // SAFETY: as above; `signal` may be called between fork and exec.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
    }
}
