//! Limits of the process. One on the size of files (`ulimit -f`, quotas of batch systems) becomes an
//! error of the write that exceeds it, like a full disk; one on the arenas of glibc's `malloc` keeps
//! memory from growing with the number of threads.

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

/// Limits glibc to two arenas of memory. By default each thread has its own, and what one has freed
/// the others cannot use: `train nlp` of long texts takes 30 MB more on two threads. For a program's
/// `main`; a no-op elsewhere.
pub fn share_memory_between_threads() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sets one parameter of the allocator, before other threads start.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
