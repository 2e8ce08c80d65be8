//! The placeholder's pictures: a sky, a sun and ridges of hills, chosen by a hash of prompt and seed. Large even
//! areas keep the files small.

use std::f32::consts::TAU;

use image::{Rgb, RgbImage};
use sha2::{Digest, Sha256};

use super::Size;

const RIDGES: u8 = 5;

/// Draws the picture of this prompt and seed. The same two give the same scene, at every size.
#[must_use]
pub fn landscape(prompt: &str, seed: Option<i64>, size: Size) -> RgbImage {
    let scene = Scene::choose(&mut Choices::of(prompt, seed));
    scene.paint(size)
}

type Colour = [f32; 3];

struct Scene {
    zenith: Colour,
    horizon: Colour,
    sun: Sun,
    /// From the nearest to the farthest.
    ridges: Vec<Ridge>,
}

/// Position as a share of width and height, radius as a share of the shorter side.
struct Sun {
    x: f32,
    y: f32,
    radius: f32,
    colour: Colour,
}

/// A line of hills as a sum of three waves over the width; heights are shares of the picture's height, from above.
struct Ridge {
    base: f32,
    waves: [Wave; 3],
    colour: Colour,
}

struct Wave {
    amplitude: f32,
    periods: f32,
    phase: f32,
}

impl Scene {
    fn choose(choices: &mut Choices) -> Self {
        let sky = choices.share();
        let land = (sky + choices.between(0.3, 0.7)).fract();
        let horizon = hsl(sky + 0.08, 0.65, choices.between(0.72, 0.85));
        let near = hsl(land, 0.45, 0.16);
        let sun = Sun {
            x: choices.between(0.15, 0.85),
            y: choices.between(0.15, 0.5),
            radius: choices.between(0.06, 0.13),
            colour: hsl(choices.between(0.02, 0.15), 0.9, 0.78),
        };
        let ridges = (0..RIDGES).map(|step| {
            let distance = f32::from(step) / f32::from(RIDGES - 1);
            Ridge::choose(choices, distance, mix(near, horizon, distance * 0.75))
        });
        let ridges = ridges.collect();
        Self { zenith: hsl(sky, 0.55, choices.between(0.3, 0.5)), horizon, sun, ridges }
    }

    fn paint(&self, size: Size) -> RgbImage {
        let (width, height) = (pixels(size.width()), pixels(size.height()));
        // The height of each ridge above each column, in pixels from the top.
        let outlines: Vec<Vec<f32>> = self
            .ridges
            .iter()
            .map(|ridge| (0..size.width()).map(|x| ridge.outline(pixels(x) / width) * height).collect())
            .collect();
        RgbImage::from_fn(size.width(), size.height(), |x, y| {
            let depth = |outline: &Vec<f32>| {
                let edge = usize::try_from(x).ok().and_then(|column| outline.get(column));
                pixels(y) + 1.0 - edge.copied().unwrap_or(height)
            };
            self.colour_at((pixels(x), pixels(y)), (width, height), outlines.iter().map(depth))
        })
    }

    /// The colour of one pixel, given how deep it lies below each ridge's outline, from the nearest ridge on.
    fn colour_at(
        &self,
        (x, y): (f32, f32),
        (width, height): (f32, f32),
        depths: impl Iterator<Item = f32>,
    ) -> Rgb<u8> {
        // What is in front covers what is behind; an outline covers a share of its pixels, so that edges are smooth.
        let mut seen = 1.0;
        let mut colour = [0.0; 3];
        for (ridge, depth) in self.ridges.iter().zip(depths) {
            let covers = depth.clamp(0.0, 1.0) * seen;
            colour = add(colour, ridge.colour, covers);
            seen -= covers;
            if seen <= 0.0 {
                break;
            }
        }
        if seen > 0.0 {
            let sky = mix(self.zenith, self.horizon, y / height);
            let inside = self.sun.covers((x, y), (width, height));
            colour = add(colour, mix(sky, self.sun.colour, inside), seen);
        }
        Rgb(colour.map(channel))
    }
}

impl Sun {
    fn covers(&self, (x, y): (f32, f32), (width, height): (f32, f32)) -> f32 {
        let distance = (x - self.x * width).hypot(y - self.y * height);
        (self.radius * width.min(height) - distance + 0.5).clamp(0.0, 1.0)
    }
}

impl Ridge {
    fn choose(choices: &mut Choices, distance: f32, colour: Colour) -> Self {
        let mut wave = |amplitude: f32, least: f32, most: f32| Wave {
            amplitude: amplitude * (1.0 - distance * 0.4),
            periods: choices.between(least, most),
            phase: choices.share(),
        };
        let waves = [wave(0.06, 0.6, 1.4), wave(0.03, 2.0, 4.0), wave(0.012, 5.0, 9.0)];
        Self { base: 0.88 - distance * 0.36, waves, colour }
    }

    fn outline(&self, x: f32) -> f32 {
        let waves =
            self.waves.iter().map(|wave| wave.amplitude * ((wave.periods * x + wave.phase) * TAU).sin());
        self.base + waves.sum::<f32>()
    }
}

/// A stream of choices that a prompt and seed fix.
struct Choices(u64);

impl Choices {
    fn of(prompt: &str, seed: Option<i64>) -> Self {
        let seed = seed.map_or_else(String::new, |seed| seed.to_string());
        let digest = Sha256::new().chain_update(seed).chain_update([0]).chain_update(prompt).finalize();
        Self(digest.iter().take(8).fold(0, |state, byte| (state << 8) | u64::from(*byte)))
    }

    /// A share from 0 to below 1, by the generator SplitMix64.
    fn share(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let [high, low, ..] = mixed.to_be_bytes();
        f32::from(u16::from_be_bytes([high, low])) / 65_536.0
    }

    fn between(&mut self, least: f32, most: f32) -> f32 {
        least + self.share() * (most - least)
    }
}

/// Hue as a share of the circle; saturation and lightness from 0 to 1.
fn hsl(hue: f32, saturation: f32, lightness: f32) -> Colour {
    let reach = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|offset| {
        let step = (offset + hue.fract() * 12.0) % 12.0;
        lightness - reach * (step - 3.0).min(9.0 - step).clamp(-1.0, 1.0)
    })
}

fn mix(from: Colour, to: Colour, share: f32) -> Colour {
    add(from.map(|part| part * (1.0 - share)), to, share)
}

fn add(sum: Colour, colour: Colour, share: f32) -> Colour {
    let [red, green, blue] = colour.map(|part| part * share);
    [sum[0] + red, sum[1] + green, sum[2] + blue]
}

fn channel(part: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=255, and `as` saturates"
    )]
    let value = (part.clamp(0.0, 1.0) * 255.0).round() as u8;
    value
}

fn pixels(count: u32) -> f32 {
    // Sides are at most 4096, which both types hold.
    u16::try_from(count).map_or(f32::from(u16::MAX), f32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(prompt: &str, seed: Option<i64>) -> RgbImage {
        landscape(prompt, seed, Size { width: 96, height: 64 })
    }

    #[test]
    fn the_same_prompt_and_seed_give_the_same_picture() {
        assert_eq!(draw("a lake", Some(7)), draw("a lake", Some(7)));
        assert_eq!(draw("a lake", None), draw("a lake", None));
    }

    #[test]
    fn another_prompt_or_seed_gives_another_picture() {
        let all = [
            draw("a lake", None),
            draw("a lake", Some(0)),
            draw("a lake", Some(1)),
            draw("a lakf", None),
            draw("", None),
        ];
        for (index, one) in all.iter().enumerate() {
            for other in all.iter().skip(index + 1) {
                assert_ne!(one, other);
            }
        }
    }

    #[test]
    fn a_picture_shows_something() {
        for prompt in ["a", "b", "c", "d"] {
            let picture = draw(prompt, None);
            let colours: std::collections::HashSet<_> = picture.pixels().collect();
            assert!(colours.len() > 30, "{} colours for `{prompt}`", colours.len());
        }
    }

    #[test]
    fn colours_are_what_their_numbers_say() {
        assert_eq!(hsl(0.0, 1.0, 0.5).map(channel), [255, 0, 0]);
        assert_eq!(hsl(1.0 / 3.0, 1.0, 0.5).map(channel), [0, 255, 0]);
        assert_eq!(hsl(2.0 / 3.0, 1.0, 0.5).map(channel), [0, 0, 255]);
        assert_eq!(hsl(0.4, 0.0, 1.0).map(channel), [255, 255, 255]);
    }
}
