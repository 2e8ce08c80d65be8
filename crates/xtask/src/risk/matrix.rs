//! The confusion matrix, and what follows from it.

use std::fmt;

use toolgate_catalog::Category;

/// How often what was labelled as one category was taken for another.
#[derive(Clone, Debug, Default)]
pub(super) struct Matrix {
    counts: Vec<(Category, Category, u32)>,
}

impl Matrix {
    /// Counts one row.
    pub(super) fn add(&mut self, label: Category, found: Category) {
        match self.counts.iter_mut().find(|(l, f, _)| (*l, *f) == (label, found)) {
            Some((_, _, count)) => *count += 1,
            None => self.counts.push((label, found, 1)),
        }
    }

    fn sum(&self, fits: impl Fn(Category, Category) -> bool) -> u32 {
        self.counts.iter().filter(|(l, f, _)| fits(*l, *f)).map(|(.., count)| count).sum()
    }
}

/// A share with its Wilson bounds at 95 %, in per cent.
fn share(part: u32, whole: u32) -> String {
    if whole == 0 {
        return "none".to_owned();
    }
    let (low, high) = wilson(part, whole);
    let share = f64::from(part) / f64::from(whole);
    format!("{:5.1} % ({:.1} to {:.1}), {part} of {whole}", share * 100.0, low * 100.0, high * 100.0)
}

/// The bounds of a share by Wilson's score, at 95 %.
fn wilson(part: u32, whole: u32) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    let (n, p) = (f64::from(whole), f64::from(part) / f64::from(whole));
    let middle = p + Z * Z / (2.0 * n);
    let width = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - width) / scale).max(0.0), ((middle + width) / scale).min(1.0))
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<22}", "labelled \\ taken for")?;
        for found in Category::ALL {
            write!(f, "{:>12}", found.name())?;
        }
        writeln!(f)?;
        for label in Category::ALL {
            write!(f, "{:<22}", label.name())?;
            for found in Category::ALL {
                write!(f, "{:>12}", self.sum(|l, g| (l, g) == (label, found)))?;
            }
            writeln!(f)?;
        }
        writeln!(f, "\naccuracy              {}", share(self.sum(|l, g| l == g), self.sum(|_, _| true)))?;
        for class in Category::ALL {
            let right = self.sum(|l, g| l == class && g == class);
            writeln!(f, "{:<12} recall    {}", class.name(), share(right, self.sum(|l, _| l == class)))?;
            writeln!(f, "{:<12} precision {}", "", share(right, self.sum(|_, g| g == class)))?;
        }
        let pair = |label: Category, found: Category| {
            share(self.sum(|l, g| (l, g) == (label, found)), self.sum(|l, _| l == label))
        };
        writeln!(f, "destructive called read   {}", pair(Category::Destructive, Category::Read))?;
        write!(f, "read called destructive   {}", pair(Category::Read, Category::Destructive))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_wilson() {
        // 8 of 10: 0.4902 to 0.9433 by Wilson's formula worked out by hand.
        let (low, high) = wilson(8, 10);
        assert!((low - 0.4902).abs() < 0.0005 && (high - 0.9433).abs() < 0.0005, "{low} {high}");
        assert_eq!(wilson(0, 5).0, 0.0);
    }

    #[test]
    fn the_table_counts() {
        let mut matrix = Matrix::default();
        matrix.add(Category::Destructive, Category::Read);
        matrix.add(Category::Destructive, Category::Destructive);
        matrix.add(Category::Read, Category::Read);
        let text = matrix.to_string();
        assert!(text.contains("destructive called read    50.0 %"), "{text}");
        assert!(text.contains("accuracy               66.7 %"), "{text}");
    }
}
