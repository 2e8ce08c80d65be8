//! What a tool is to flows: which data it brings in, and where it lets data out.

use crate::assessment::{Category, Label, Signal};
use crate::definition::Definition;
use crate::reading::Field;
use crate::words;

/// Things that are not meant for everybody.
const PRIVATE: &str = "email emails mail inbox message messages gmail file files document documents drive note notes \
    calendar contact contacts customer customers patient patients account accounts transaction transactions invoice \
    invoices database table tables sql conversation conversations chat dm memory memories wallet balance payroll \
    employee employees repository private profile order orders crm deal deals lead leads history cookies clipboard \
    log logs tickets ticket secret secrets";
/// Things that strangers write.
const UNTRUSTED: &str = "web webpage page pages website url urls scrape crawl browse browser internet email emails inbox \
    mail message messages issue issues comment comments pull review reviews tweet tweets post posts thread threads feed \
    rss news forum reddit ticket tickets search markdown html youtube video transcript slack discord readme";
/// Things that are secrets.
const SECRETS: &str = "secret secrets password passwords credential credentials token tokens apikey keychain privatekey \
    mnemonic env environment";
/// Ways out.
const OUTWARD: &str = "send email mail message post tweet publish share upload webhook notify sms slack discord comment \
    reply forward invite broadcast push call";
/// Things that say who may do what.
const ACCESS: &str = "role roles permission permissions policy policies grant acl iam member members collaborator \
    collaborators secret secrets key keys token tokens password passwords user users access webhook webhooks";

/// The labels of a tool.
pub(super) fn labels(
    definition: &Definition,
    category: Category,
    signals: &[Signal],
    fields: &[Field<'_>],
) -> Vec<Label> {
    let named: Vec<String> = words::of_name(&definition.name).into_iter().map(|word| word.lower).collect();
    let head = words::sentences(&definition.description, 1);
    let said = head.iter().flat_map(|(_, text)| words::of_text(text)).map(|word| word.lower);
    let all: Vec<String> = named.iter().cloned().chain(said).collect();
    let speaks = |list: &str| all.iter().any(|word| list.split_whitespace().any(|known| known == word));
    let is_named = |list: &str| named.iter().any(|word| list.split_whitespace().any(|known| known == word));
    let has = |signal: Signal| signals.contains(&signal);
    let returns = matches!(category, Category::Read | Category::Execute);
    let opens = fields.iter().any(|field| field.words == ["url"] || field.words == ["urls"]);
    let changes = category > Category::Read;
    let given = [
        (Label::SourcePrivate, returns && (speaks(PRIVATE) || has(Signal::Path) || has(Signal::Code))),
        (Label::SourceUntrusted, returns && (speaks(UNTRUSTED) || opens)),
        (Label::SourceSecret, category == Category::Read && is_named(SECRETS)),
        (
            Label::SinkExternal,
            changes && (speaks(OUTWARD) || has(Signal::Recipients))
                || has(Signal::Url)
                || has(Signal::Code) && changes,
        ),
        (Label::SinkDestructive, category == Category::Destructive),
        (Label::SinkFinancial, category == Category::Financial),
        (Label::SinkCode, category >= Category::Execute && has(Signal::Code)),
        (Label::SinkAccess, changes && is_named(ACCESS)),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(label, _)| label).collect()
}
