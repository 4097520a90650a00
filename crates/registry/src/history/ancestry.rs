//! Which model continues which.

use std::collections::BTreeSet;

use super::state::{State, Version};

impl State {
    /// All versions with this file, in the order of name and number: a model may be added twice.
    pub fn with_digest<'s>(&'s self, sha256: &'s str) -> impl Iterator<Item = &'s Version> {
        let versions = self.names().values().flat_map(|name| name.versions());
        versions.filter(move |version| version.sha256 == sha256)
    }

    /// The models that `version` continues, the nearest first, by the digests in their lineage. Ends
    /// where a parent was never added; its digest is then the `parent` of the last.
    pub fn ancestors<'s>(&'s self, version: &'s Version) -> Vec<&'s Version> {
        let mut seen = BTreeSet::from([version.sha256.as_str()]);
        let mut found = Vec::new();
        let mut last = version;
        while let Some(parent) = &last.lineage.parent {
            let of_same_name = |there: &&Version| there.name == last.name;
            let Some(next) = (self.with_digest(parent).find(of_same_name))
                .or_else(|| self.with_digest(parent).next())
                .filter(|next| seen.insert(&next.sha256))
            else {
                break;
            };
            found.push(next);
            last = next;
        }
        found
    }
}
