//! `easylife audit`: verifies audit logs of `serve`, and whose signatures they have.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::Global;
use super::show::Verdict;
use crate::exit::Exit;
use crate::serve::audit;

#[derive(Args)]
pub struct AuditArgs {
    /// The log; of several that continue each other, the oldest first: audit.log.1 audit.log
    #[arg(value_name = "LOG", required = true)]
    pub logs: Vec<PathBuf>,
    /// Public key that everything must be signed by (openssl pkey -in private.pem -pubout)
    #[arg(long, value_name = "PUBLIC")]
    pub key: Option<PathBuf>,
    /// Head that the log must have: a copy of it, kept elsewhere [default: LOG.head]
    #[arg(long, value_name = "HEAD")]
    pub head: Option<PathBuf>,
}

impl AuditArgs {
    /// A log that is not as it was written is bad data.
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let verified = audit::verify(&self.logs, self.key.as_deref(), self.head.as_deref())?;
        let is_sound = verified.is_sound();
        global.show_result(&verified, Verdict::of(is_sound))?;
        Ok(if is_sound { Exit::Done } else { Exit::Data })
    }
}
