//! Parses the markers before the picture, for files that the fast path decodes.

use super::huffman::Spec;
use super::markers::Markers;

/// Everything needed to decode the luma of a baseline file.
pub(super) struct Header<'a> {
    pub width: usize,
    pub height: usize,
    /// Luma first; one component or three.
    pub components: Vec<Component>,
    /// Quantization factors of luma, in file order.
    pub quantization: [u16; 64],
    /// Four DC tables, then four AC tables.
    pub tables: [Option<Spec>; 8],
    /// Units between restart markers; 0 if there are none.
    pub restart: usize,
    pub exif: Option<&'a [u8]>,
    /// Offset of the first byte of the scan.
    pub scan: usize,
}

/// A component of the picture.
#[derive(Clone, Copy)]
pub(super) struct Component {
    id: u8,
    /// Blocks per unit, horizontally and vertically.
    pub across: usize,
    pub down: usize,
    quantization: usize,
    /// Indices into [`Header::tables`].
    pub dc: usize,
    pub ac: usize,
}

/// What has been collected from the markers so far.
#[derive(Default)]
struct Gathered<'a> {
    frame: Option<(usize, usize, Vec<Component>)>,
    quantization: [Option<[u16; 64]>; 4],
    tables: [Option<Spec>; 8],
    restart: usize,
    exif: Option<&'a [u8]>,
    jfif: bool,
    /// The colour transform given by Adobe's segment.
    adobe: Option<u8>,
}

impl<'a> Header<'a> {
    /// Parses the markers of a baseline (or 8-bit extended sequential) Huffman-coded file in gray
    /// or YCbCr with a single scan. `None` for every other kind of file, and for damaged ones.
    pub fn of(file: &'a [u8]) -> Option<Header<'a>> {
        let mut gathered = Gathered::default();
        let mut markers = Markers::new(file);
        loop {
            let marker = markers.next()?;
            let segment = marker.segment;
            match marker.code {
                0xc0 | 0xc1 if gathered.frame.is_none() => gathered.frame = Some(frame(segment)?),
                0xc4 => gathered.huffman(segment)?,
                0xdb => gathered.quantization(segment)?,
                0xdd => {
                    let units = segment.try_into().ok()?;
                    gathered.restart = usize::from(u16::from_be_bytes(units));
                }
                0xda => return gathered.header(segment, marker.end),
                0xe0 => gathered.jfif |= segment.starts_with(b"JFIF\0"),
                0xe1 => {
                    let exif = segment.strip_prefix(b"Exif\0\0");
                    gathered.exif = gathered.exif.or(exif);
                }
                0xee if segment.starts_with(b"Adobe") => gathered.adobe = segment.get(11).copied(),
                0xe2..=0xef | 0xfe => {}
                _ => return None,
            }
        }
    }
}

/// Width, height and components of a frame header (B.2.2).
fn frame(segment: &[u8]) -> Option<(usize, usize, Vec<Component>)> {
    let (&[8, h1, h0, w1, w0, count], rest) = segment.split_first_chunk::<6>()? else {
        return None;
    };
    if !matches!(count, 1 | 3) || rest.len() != 3 * usize::from(count) {
        return None;
    }
    let components = rest.chunks_exact(3).map(|c| Component {
        id: c[0],
        across: usize::from(c[1] >> 4),
        down: usize::from(c[1] & 15),
        quantization: usize::from(c[2]),
        dc: 0,
        ac: 0,
    });
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    Some((
        usize::from(width),
        usize::from(height),
        components.collect(),
    ))
}

impl<'a> Gathered<'a> {
    fn quantization(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [which, rest @ ..] = segment {
            let (table, rest) = rest.split_first_chunk::<64>()?;
            // The upper half is the precision; 16 bits are used in 12-bit pictures only.
            *self.quantization.get_mut(usize::from(*which))? = Some(table.map(u16::from));
            segment = rest;
        }
        Some(())
    }

    fn huffman(&mut self, segment: &[u8]) -> Option<()> {
        super::huffman::specs(segment, |class, id, spec| {
            // A DC difference has at most 11 bits.
            let valid = class == 1 || spec.symbols.iter().all(|&size| size <= 11);
            valid.then(|| self.tables[4 * class + id] = Some(spec))
        })
    }

    /// Combines everything at the scan header (B.2.3).
    fn header(self, scan: &[u8], start: usize) -> Option<Header<'a>> {
        let (width, height, mut components) = self.frame?;
        let (&count, rest) = scan.split_first()?;
        let (chosen, limits) = rest.split_at_checked(2 * usize::from(count))?;
        if usize::from(count) != components.len() || limits != [0, 63, 0] || width * height == 0 {
            return None;
        }
        for (component, chosen) in components.iter_mut().zip(chosen.chunks_exact(2)) {
            if chosen[0] != component.id {
                return None;
            }
            component.dc = usize::from(chosen[1] >> 4);
            component.ac = 4 + usize::from(chosen[1] & 15);
        }
        match &mut components[..] {
            // A unit of one component is one block, whatever the header says (A.2.2).
            [gray] => (gray.across, gray.down) = (1, 1),
            [luma, others @ ..] => {
                let transformed = match self.adobe {
                    Some(transform) => transform == 1,
                    None => self.jfif || (luma.id, others[0].id, others[1].id) == (1, 2, 3),
                };
                let finest = |c: &Component| c.across <= luma.across && c.down <= luma.down;
                if !transformed || !others.iter().all(finest) {
                    return None;
                }
            }
            [] => return None,
        }
        let sampled = |c: &Component| (1..=4).contains(&c.across) && (1..=4).contains(&c.down);
        let blocks: usize = components.iter().map(|c| c.across * c.down).sum();
        if !components.iter().all(sampled) || blocks > super::bits::MOST_BLOCKS {
            return None;
        }
        let quantization = *self.quantization.get(components[0].quantization)?;
        Some(Header {
            width,
            height,
            components,
            quantization: quantization?,
            tables: self.tables,
            restart: self.restart,
            exif: self.exif,
            scan: start,
        })
    }
}
