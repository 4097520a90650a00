//! Turns a limit on the size of files (`ulimit -f`, quotas of batch systems) into an error of the
//! write that exceeds it, like a full disk.

/// Makes a write beyond the limit fail with "File too large" instead of ending the process with
/// SIGXFSZ. For a program's `main`.
#[cfg(unix)]
pub fn fail_beyond_file_size() {
    // SAFETY: no handler is installed; ignoring a signal has no other effect.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Restores the default action of the signal, in a child between fork and exec, since other
/// programs expect it.
#[cfg(unix)]
pub fn end_beyond_file_size() {
    // SAFETY: as above; `signal` may be called between fork and exec.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
    }
}
