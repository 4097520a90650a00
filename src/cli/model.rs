//! Which model: a file, or a name of the registry; and where the registry is, with which keys.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::memory::{Location, Place, Registered};
use crate::project::Project;
use crate::settings::FILE;
use crate::task::{ModelRef, ModelSource};

/// The settings of the registry.
#[derive(Args, Clone, Debug, Default)]
pub struct PlaceArgs {
    /// Settings to read [default: easylife.toml of the project, if there is one]
    #[arg(
        long,
        value_name = "FILE",
        env = "EASYLIFE_CONFIG",
        hide_env = true,
        global = true
    )]
    pub config: Option<PathBuf>,
    /// Folder of the registry, or s3://BUCKET/PREFIX [default: registry.store of easylife.toml, otherwise the project's own]
    #[arg(
        long,
        value_name = "DIR|s3://...",
        env = "EASYLIFE_REGISTRY_STORE",
        hide_env = true,
        global = true
    )]
    pub store: Option<PathBuf>,
    /// Public key in PEM that is trusted: a history must be signed by it; repeatable
    #[arg(
        long = "trusted-key",
        value_name = "FILE",
        env = "EASYLIFE_TRUSTED_KEY",
        hide_env = true,
        global = true,
        value_delimiter = ','
    )]
    pub trusted: Vec<PathBuf>,
}

impl PlaceArgs {
    /// Where the registry is.
    pub(super) fn place(&self, project: Option<&Project>, given: Place) -> Result<Place> {
        let file = settings_file(self.config.as_deref(), project);
        let given = Place {
            store: { self.store.as_deref() }.map(|said| Location::new(said, Path::new(""))),
            trusted: self.trusted.clone(),
            ..given
        };
        Place::new(project, file.as_deref(), given)
    }
}

/// The file of settings: the one that is named, otherwise that of the project, if there is one.
pub(super) fn settings_file(named: Option<&Path>, project: Option<&Project>) -> Option<PathBuf> {
    let own = || {
        project
            .map(|project| project.path(FILE))
            .filter(|path| path.exists())
    };
    named.map(Path::to_owned).or_else(own)
}

/// The model of a verb that asks one.
#[derive(Args)]
pub struct ModelArgs {
    /// Model file, or a name of the registry such as nlp@champion [default: the project's
    /// models/TASK.safetensors]
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Use only a model that a trusted key signed: MODEL.sig, or the history of the registry
    #[arg(long)]
    pub require_signature: bool,
    #[command(flatten)]
    pub place: PlaceArgs,
}

impl ModelArgs {
    /// The model that is asked for; with a required signature the project's `own`, if none is named.
    pub(super) fn reference(
        self,
        project: Option<&Project>,
        own: impl FnOnce() -> Result<Option<PathBuf>>,
    ) -> Result<Option<ModelRef>> {
        let named = match (self.model, self.require_signature) {
            (Some(model), _) => model,
            (None, true) => match own()? {
                Some(own) => own,
                None => return Ok(None),
            },
            (None, false) => return Ok(None),
        };
        let place = || self.place.place(project, Place::default());
        reference(named, self.require_signature, place).map(Some)
    }
}

/// A model by file or name; a file of that name is meant before a name.
pub(super) fn reference(
    named: PathBuf,
    must_be_signed: bool,
    place: impl FnOnce() -> Result<Place>,
) -> Result<ModelRef> {
    let name = named
        .to_str()
        .filter(|text| Registered::is_name(text) && !named.exists());
    if name.is_none() && !must_be_signed {
        return Ok(ModelRef::file(named));
    }
    let place = place()?;
    let signed_by = must_be_signed.then(|| place.trusted.clone());
    Ok(ModelRef {
        source: match name {
            Some(name) => ModelSource::Registered(Registered {
                name: name.to_owned(),
                place,
            }),
            None => ModelSource::File(named),
        },
        signed_by,
    })
}
