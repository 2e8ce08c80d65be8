//! A list that allocates only beyond a handful: most calls meet one to three limits.

/// How many are kept in place.
const INLINE: usize = 4;

/// A short list.
#[derive(Debug)]
pub(crate) enum Few<T> {
    Inline([Option<T>; INLINE]),
    Many(Vec<Option<T>>),
}

impl<T> Few<T> {
    /// An empty list with room for `count`.
    pub(crate) fn with_room(count: usize) -> Few<T> {
        if count <= INLINE {
            Few::Inline([const { None }; INLINE])
        } else {
            Few::Many(Vec::with_capacity(count))
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        match self {
            Few::Inline(places) => match places.iter_mut().find(|place| place.is_none()) {
                Some(place) => *place = Some(item),
                None => {
                    let moved = places.iter_mut().map(Option::take);
                    *self = Few::Many(moved.chain([Some(item)]).collect());
                }
            },
            Few::Many(items) => items.push(Some(item)),
        }
    }

    /// The items, each in its place; empty places come last.
    pub(crate) fn places(&mut self) -> &mut [Option<T>] {
        match self {
            Few::Inline(places) => places,
            Few::Many(items) => items,
        }
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places().iter_mut().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_all_in_order_beyond_its_room() {
        for room in [0, 3, 9] {
            let mut few = Few::with_room(room);
            (0..9).for_each(|item| few.push(item));
            assert_eq!(few.iter_mut().map(|item| *item).collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
        }
    }
}
