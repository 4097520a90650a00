//! The matrix kernel on one core, in multiplications and additions a second, beside the core's clock:
//! a core that starts two fused multiply-adds of eight floats a cycle has a peak of 32 times its clock.

use divan::counter::ItemsCount;
use models::kernels::panel::{Panels, Product, View};

fn main() {
    divan::main();
}

fn floats(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i % 17) as f32 / 17.0 - 0.5).collect()
}

/// As lists of recsys are scored: 48 users by so many items, of so many factors.
#[divan::bench(args = [(64, 4096), (256, 4096), (256, 40_960)], sample_count = 50)]
fn product_of_48_rows(bencher: divan::Bencher, (depth, columns): (usize, usize)) {
    let (left, right) = (floats(48 * depth), floats(depth * columns));
    let panels = Panels::new(View::rows(&right, depth, columns));
    let mut out = vec![0.0_f32; 48 * columns];
    let mut scratch = Vec::new();
    bencher
        .counter(ItemsCount::new(2 * 48 * depth * columns))
        .bench_local(|| {
            let view = View::rows(&left, 48, depth);
            Product::new(view, &panels).add_to(&mut out, columns, &mut scratch);
        });
}

/// Cycles a second: a multiplication of 64-bit numbers takes three until what it gave can be used, an
/// addition one.
#[divan::bench(sample_count = 20)]
fn clock(bencher: divan::Bencher) {
    const CHAIN: usize = 1_000_000;
    bencher.counter(ItemsCount::new(4 * CHAIN)).bench(|| {
        let mut x = divan::black_box(3_u64);
        for _ in 0..CHAIN {
            x = x.wrapping_mul(x).wrapping_add(1);
        }
        x
    });
}
