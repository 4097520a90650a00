//! Notes of `predict` before it forecasts: the first date, and whether the project's source has later values than the
//! model. Nothing here changes an answer, so nothing here fails.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::project::Project;
use crate::talk::Talk;
use crate::task;
use crate::tasks::ts::Ts;
use crate::tasks::ts::params::Params;
use crate::tasks::ts::scoring::Scorer;
use tables::{Compression, Format, Panel, Peeked, Reading, Source, shown};

/// Size up to which a source is read completely. Of a larger one only the end is read, which has late rows in order
/// of time as well as in order of series.
const WHOLE: u64 = 16 << 20;
const END: u64 = 1 << 20;

/// The last time of each series of a model, newer observations included.
pub(super) struct Ends {
    /// By number.
    times: Vec<i64>,
    /// The first step after the latest of them.
    start: Option<i64>,
}

impl Ends {
    /// `since` says how many steps after training each series has.
    pub fn new(scorer: &Scorer, since: impl Fn(usize) -> Option<usize>) -> Self {
        let end = |number: usize| match since(number) {
            Some(steps) => scorer.time_after(number, steps),
            None => scorer.end(number),
        };
        let times: Vec<i64> = (0..scorer.ids().len()).map(end).collect();
        let latest = times.iter().max();
        Self {
            start: latest.and_then(|end| scorer.clock().at(*end, 1)),
            times,
        }
    }

    /// Notes where forecasts start.
    pub fn tell(&self, scorer: &Scorer, talk: &Talk) {
        let (Some(start), Some(latest)) = (self.start, self.times.iter().max()) else {
            return;
        };
        let clock = scorer.clock();
        let at_end = self.times.iter().filter(|end| *end == latest).count();
        let mut text = format!(
            "ts: forecasts start at {}, after the last value of {at_end} series",
            clock.text(start)
        );
        let earlier = self.times.len() - at_end;
        let first = self
            .times
            .iter()
            .zip(scorer.ids())
            .min_by_key(|(end, _)| **end);
        if let (1.., Some((end, id))) = (earlier, first)
            && let Some(start) = clock.at(*end, 1)
        {
            text.push_str(&format!(
                "; {earlier} series end earlier, `{}` first: its forecasts start at {}",
                shown(id),
                clock.text(start)
            ));
        }
        talk.note(text);
    }

    /// Warns if the project's source has later observations of the series. Ignores a source that cannot be read.
    pub fn compare(&self, project: &Project, scorer: &Scorer, talk: &Talk) {
        let Ok(params) = task::params::<Ts>(project) else {
            return;
        };
        let mut newest = Newest {
            ends: &self.times,
            scorer,
            later: vec![false; self.times.len()],
            last: None,
        };
        let Ok(()) = newest.read(&project.path(&params.data.source), &params) else {
            return;
        };
        let (Some(last), Some(seen)) = (newest.last, self.times.iter().max()) else {
            return;
        };
        let series = newest.later.iter().filter(|later| **later).count();
        let clock = scorer.clock();
        talk.warn(format!(
            "{} has later values of {series} series, up to {}, than the model (up to {}); run \
            `easylife prepare ts` and `easylife train ts` again, or pass the newer rows with -i",
            params.data.source,
            clock.text(last),
            clock.text(*seen)
        ));
    }
}

/// Observations later than the ends of their series.
struct Newest<'a> {
    ends: &'a [i64],
    scorer: &'a Scorer,
    /// Whether each series has some, by number.
    later: Vec<bool>,
    /// The latest.
    last: Option<i64>,
}

/// A source cannot be read; the reason does not matter.
struct Unknown;

impl<E: std::error::Error> From<E> for Unknown {
    fn from(_: E) -> Self {
        Unknown
    }
}

impl Newest<'_> {
    fn read(&mut self, path: &Path, params: &Params) -> Result<(), Unknown> {
        let reading = params.data.reading();
        let source = match size(path, WHOLE)? > WHOLE {
            true => end_of(path, reading)?,
            false => tables::open_with(path, reading)?,
        };
        let mut source = Peeked::new(source);
        let (columns, _) = params.shape.settle(&mut source)?;
        let mut panel = Panel::on(self.scorer.clock().axis);
        panel.format = self.scorer.format().cloned();
        panel.read(&mut source, &columns)?;
        for series in &panel.series {
            let Some(number) = self.scorer.number(&series.id) else {
                continue;
            };
            let rows = series.times.iter().zip(&series.values);
            let times = rows.filter(|(_, value)| value.is_finite());
            if let Some((&time, _)) = times.max_by_key(|(time, _)| **time)
                && time > self.ends[number]
            {
                self.later[number] = true;
                self.last = self.last.max(Some(time));
            }
        }
        Ok(())
    }
}

/// Bytes of a file, or of all files below a folder; counting stops above `limit`.
fn size(path: &Path, limit: u64) -> io::Result<u64> {
    let entry = fs::metadata(path)?;
    if !entry.is_dir() {
        return Ok(entry.len());
    }
    let mut sum = 0;
    for entry in fs::read_dir(path)? {
        sum += size(&entry?.path(), limit)?;
        if sum > limit {
            break;
        }
    }
    Ok(sum)
}

/// The header and the last rows of a large text file; an error for any other.
fn end_of(path: &Path, reading: Reading) -> Result<Box<dyn Source>, Unknown> {
    let Some((format, Compression::None)) = Format::of_path(path) else {
        return Err(Unknown);
    };
    let mut input = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    match format {
        Format::Csv | Format::Tsv => {
            input.by_ref().take(END).read_until(b'\n', &mut bytes)?;
        }
        Format::Jsonl => {}
        Format::Parquet => return Err(Unknown),
    }
    input.seek(SeekFrom::End(-(END as i64)))?;
    // The first row may be incomplete.
    input.read_until(b'\n', &mut Vec::new())?;
    input.read_to_end(&mut bytes)?;
    let name = path.display().to_string();
    let input = Box::new(io::Cursor::new(bytes));
    let none = Compression::None;
    Ok(tables::open_as_with(input, &name, format, none, reading)?)
}
