//! What the source of an object makes of its verb: what is removed from a list can be put back on it, and
//! a picture made from markup is only drawn.

use super::{Objects, Verb};
use crate::assessment::Category::{self, Read, Write};

struct Rule {
    verbs: &'static str,
    /// Heads of what stands after `from`; `_` joins two words.
    sources: &'static str,
    /// Objects of which alone it holds; of any, where there are none.
    only: &'static str,
    /// Objects of which it does not hold.
    except: &'static str,
    category: Category,
}

/// Whoever loses these has lost access.
const ACCESS: &str = "user users member members permission permissions role roles access collaborator \
    collaborators admin admins person people teammate file files row rows column columns key keys all everything";

const RULES: &[Rule] = &[
    Rule {
        verbs: "remove take drop clear",
        sources: "list lists allowlist allow_list whitelist white_list blacklist black_list blocklist block_list denylist \
            deny_list watchlist wishlist playlist playlists shortlist readlist cart basket case collection collections \
            favorites favourites favorite favourite bookmarks group groups album albums category \
            segment board sprint milestone release epic portfolio library staging \
            lineup",
        only: "",
        except: ACCESS,
        category: Write,
    },
    Rule {
        verbs: "remove clear",
        sources: "cart basket watchlist wishlist playlist queue_view",
        only: "",
        except: "",
        category: Write,
    },
    Rule {
        verbs: "evict remove clear delete flush drop purge",
        sources: "cache caches",
        only: "",
        except: "",
        category: Write,
    },
    Rule {
        verbs: "delete remove detach",
        sources: "note memo task card item document doc page post contact conversation message thread image \
            photo bookmark issue ticket record entity resource video asset article file object exam course lesson \
            quiz question lead deal customer company product order campaign event room channel repository repo \
            request comment user member",
        only: "tag tags label labels hashtag reaction reactions vote like star tag_attachment tag_assignment \
            label_assignment",
        except: "",
        category: Write,
    },
    Rule {
        verbs: "fetch pull download",
        sources: "remote remotes origin upstream remote_repository remote_repo remote_branch",
        only: "",
        except: "status list log logs",
        category: Write,
    },
    Rule {
        verbs: "generate create make gen build produce",
        sources: "html markdown mermaid chart diagram svg latex dot plantuml html_content html_string \
            html_code html_template markdown_content markdown_text mermaid_code mermaid_syntax \
            mermaid_diagram mermaid_markdown dot_code",
        only: "",
        except: "page site website app project issue task document doc file pdf docx presentation slides",
        category: Read,
    },
];

/// What the verb does to an object of this source, if a rule speaks of it.
pub(super) fn of_source(verb: Verb, objects: &Objects<'_>) -> Option<Category> {
    if objects.source.is_empty() {
        return None;
    }
    let is_about = |heads: &'static str| heads.split_whitespace().any(|head| objects.is(head));
    let fits = |rule: &&Rule| {
        holds(rule.verbs, verb.base)
            && (rule.only.is_empty() || is_about(rule.only))
            && !objects.words.iter().any(|word| holds(rule.except, word))
            && rule.sources.split_whitespace().any(|source| objects.is_from(source))
    };
    RULES.iter().find(fits).map(|rule| rule.category)
}

fn holds(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}
