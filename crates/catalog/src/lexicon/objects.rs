//! What an object makes of its verb: `transfer` moves money, `transfer an issue` does not.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Force, Form, Verb, sources};
use crate::assessment::Category::{self, Destructive, Execute, Financial, Read, Write};

/// Verbs, the heads of their objects (`_` joins two words), and what they do together.
type Rule = (&'static str, &'static str, Category);

/// Verbs that bring something about.
const MAKING: &str = "create add make issue send submit place initiate process generate finalize begin start \
        execute perform open post new prepare post set register trigger capture authorize settle \
        confirm complete schedule book request record";

/// The first rule that fits decides.
const RULES: &[Rule] = &[
    // Money
    (
        MAKING,
        "payment refund charge payout invoice disbursement donation deposit withdrawal bank_transfer \
        wire_transfer payment_link payment_intent payment_request payment_order checkout \
        checkout_session purchase stake credit_note bill bounty loan wager bet bid swap token_swap \
        tip_payment direct_debit",
        Financial,
    ),
    (
        "capture authorize approve settle complete confirm release process sign pay execute",
        "payment payout invoice refund charge transfer transaction order expense settlement \
        withdrawal",
        Financial,
    ),
    (
        "place submit create execute send make open modify amend replace post issue bulk sign set",
        "order trade limit_order market_order orders trades buy_order sell_order stop_order \
        spot_order batch_orders position swap_order",
        Financial,
    ),
    (
        "update change modify switch upgrade downgrade create start begin renew add",
        "subscription billing_plan subscription_plan plan_subscription paid_plan subscriptions",
        Financial,
    ),
    ("upgrade downgrade", "plan account tier membership", Financial),
    (
        "send transfer forward move withdraw deposit bridge wrap unwrap airdrop burn mint lock",
        "money funds payment token tokens crypto eth sol btc matic bnb usdc usdt erc20 erc721 erc1155 \
        nft native coins coin transaction transactions tip sats satoshis balance ether bitcoin \
        lamports spl_token trx ton sui strk credits",
        Financial,
    ),
    (
        "send broadcast submit execute sign",
        "transaction transactions tx raw_transaction sign_doc signed_transaction swap_transaction \
        signed_tx rawtransaction",
        Financial,
    ),
    ("add remove provide withdraw supply", "liquidity collateral margin funds stake", Financial),
    ("close open reduce", "position positions trade", Financial),
    ("delegate", "tokens token stake coins voting_power", Financial),
    ("create start initiate", "file_transfer data_transfer domain_transfer call_transfer", Write),
    ("create make initiate start", "transfer transfers", Financial),
    ("retry", "payment charge invoice", Financial),
    ("send order", "gift gift_card", Financial),
    ("subscribe", "plan paid_plan", Financial),
    ("book reserve", "meeting_room conference_room desk", Write),
    ("request hail", "ride taxi cab", Financial),
    (
        "book reserve order rent",
        "flight flights hotel room ticket tickets trip ride car taxi table_paid rental cab",
        Financial,
    ),
    ("approve", "token tokens", Financial),
    ("renew reactivate resume restart", "subscription membership license domain", Financial),
    ("register", "domain_name domain_names", Financial),
    ("run submit process execute approve", "payroll payrolls pay_run", Financial),
    ("exchange", "currency currencies tokens coins crypto funds money", Financial),
    ("hire", "freelancer contractor worker human", Financial),
    ("create fund release refund open", "escrow recurring_buy standing_order", Financial),
    ("accept", "quote bid", Financial),
    ("open close", "lightning_channel payment_channel", Financial),
    ("collect", "payment fee money rent", Financial),
    ("change switch", "plan billing_plan pricing_plan", Financial),
    ("finalize", "order", Financial),
    ("confirm complete", "booking reservation", Financial),
    ("issue order", "card gift_card virtual_card debit_card credit", Financial),
    ("wire release", "money funds payment", Financial),
    ("approve", "expense_report expenses", Financial),
    ("set place create update add", "stop_loss take_profit trailing_stop", Financial),
    ("recharge", "number phone mobile account wallet balance card", Financial),
    ("withdraw", "application submission proposal consent request invitation invite", Destructive),
    (
        "mark schedule request queue perform execute run do initiate start submit process trigger confirm approve",
        "deletion removal purge wipe cleanup termination cancellation erasure revocation hard_reset garbage_collection",
        Destructive,
    ),
    ("end stop", "subscription contract agreement membership", Destructive),
    ("dismiss", "employee worker", Destructive),
    ("unenroll", "device", Destructive),
    ("pop", "message element item entry", Destructive),
    ("rebalance", "portfolio allocation", Financial),
    ("activate start", "paid_plan paid_trial", Financial),
    ("add increase", "seat license", Financial),
    ("accept", "loan loan_offer", Financial),
    ("adjust", "margin collateral leverage", Financial),
    ("enter", "trade position", Financial),
    ("unlink", "file path", Destructive),
    ("make send execute perform issue submit", "delete_request http_delete", Destructive),
    ("clear", "explanation overview understanding insight instruction picture view guidance", Read),
    ("empty", "slot", Read),
    (
        "purchase refund charge transfer deposit trade swap stake bid invoice claim order rent payment",
        "status history detail policy policies hour method quote fee rate statistics type",
        Read,
    ),
    ("send", "user_operation", Financial),
    ("buy sell", "signal pressure ratio side volume wall", Read),
    ("end", "listing auction contract", Destructive),
    ("end", "conversation chat thread", Write),
    ("queue", "prompt generation", Execute),
    ("render", "video movie animation", Execute),
    ("truncate trim strip", "text string html markdown html_tags whitespace", Read),
    ("remove", "stopwords stop_words whitespace punctuation accents diacritics html_tags", Read),
    ("create add", "invoice_item invoiceitem invoice_line line_item charge_item billing_item", Financial),
    ("sign", "typed_data typed_message psbt user_operation transaction_data", Financial),
    ("sign", "message messages", Execute),
    ("claim", "reward rewards airdrop fees interest yield staking_rewards", Financial),
    ("checkout", "cart order basket session shopping_cart", Financial),
    ("approve set increase", "allowance spender token_allowance erc20 token_approval", Financial),
    ("void write_off", "invoice payment", Financial),
    ("initialize", "transaction payment charge", Financial),
    ("charge", "customer card account user wallet", Financial),
    ("purchase buy", "number domain phone_number license", Financial),
    // A transfer of something else
    (
        "transfer",
        "issue issues ownership repository repo project file files domain contact call chat case \
        conversation ticket owner deal channel data task document job session ticket agent folder \
        item",
        Write,
    ),
    ("claim", "task issue ticket item handle username job", Write),
    ("order reorder", "list items layers fields columns", Write),
    ("trade swap", "player players layers faces face", Write),
    ("bridge", "network conference call", Execute),
    ("fund", "campaign wallet account", Financial),
    ("stake unstake", "", Financial),
    (
        "send",
        "command commands key keys keystroke keystrokes signal input instruction request http_request \
        api_request rpc",
        Execute,
    ),
    ("build", "image container app project plugin site package binary", Execute),
    ("approve confirm", "command commands execution tool_call job run deployment", Execute),
    ("print", "document page file label receipt", Execute),
    ("print", "", Read),
    ("start stop pause resume end", "timer stopwatch time_entry", Write),
    // Removal that is undone by adding again
    (
        "remove clear unset",
        "label labels tag tags reaction reactions emoji star bookmark favorite favorites like \
        follower highlight parent assignee watcher assignees upvote vote filter formatting style \
        selection dependency fill pin type milestone priority relationship",
        Write,
    ),
    ("delete", "reaction reactions star like vote upvote", Write),
    ("clear", "selection search filter filters console_view screen console terminal highlights", Write),
    (
        "clear mark dismiss reset",
        "unread unread_mark unread_message unread_thread unread_count unread_notification unread_badge \
        notification badge",
        Write,
    ),
    ("clear empty", "cart basket", Write),
    (
        "resume unpause",
        "job run workflow workflow_run pipeline instance execution container vm training rollout \
        deployment rollouts",
        Execute,
    ),
    ("submit", "job jobs script batch batch_script workload", Execute),
    ("apply", "migration migrations", Execute),
    ("move", "mouse cursor pointer", Execute),
    ("switch select focus", "tab browser_tab window", Execute),
    ("clone", "voice voices", Execute),
    ("create make produce", "video music song speech", Execute),
    ("write", "contract smart_contract", Execute),
    ("remove", "background", Execute),
    ("clear flush empty invalidate purge evict prune reset delete remove clean", "cache", Write),
    // Ends what can be started again
    ("cancel abort", "query queries search sql_query statement http_request", Execute),
    (
        "terminate kill abort",
        "app application apps container service browser tab page emulator simulator query \
        dev_server",
        Execute,
    ),
    ("refresh", "app page tab browser window", Execute),
    ("forward", "port ports port_traffic", Execute),
    (
        "activate enable",
        "workflow workflows automation automations scenario playbook zap flow bot pipeline cron_job",
        Execute,
    ),
    ("record", "screen screencast meeting meetings video audio microphone macro", Execute),
    (
        "schedule queue enqueue request order force",
        "reboot restart shutdown scan deployment rollout redeployment",
        Execute,
    ),
    ("quote", "tweet post", Write),
    ("regenerate", "key api_key secret token access_token password credential certificate", Destructive),
    ("recall retract", "message messages email mail mails", Destructive),
    ("release", "number phone_number ip ip_address elastic_ip address", Destructive),
    ("format", "disk drive partition volume usb_stick sd_card", Destructive),
    ("apply", "terraform terraform_plan playbook", Execute),
    ("broadcast", "message email campaign announcement text event", Write),
    (
        "deactivate invalidate expire",
        "authorization credential credentials token key certificate card access_key api_key grant",
        Destructive,
    ),
    ("trigger send create post", "notification alert reminder push_notification", Write),
    (
        "publish",
        "site sites website web_site app apps application package module library crate release extension \
        plugin theme storefront bundle build",
        Execute,
    ),
    ("interpolate morph", "video videos image images frame frames clip clips", Execute),
    ("mark", "", Write),
    ("reset", "view zoom layout viewport camera filter filters position", Write),
    ("drop", "pin file_here marker", Write),
    ("empty", "cell", Read),
    ("cancel", "selection edit dialog sharing", Write),
    ("clean", "html text markdown string", Read),
    ("kick forget", "", Destructive),
    // What is only looked at
    ("add sum", "number numbers integer float operand digit", Read),
    ("review submit create add approve", "pull_request code_review merge_request review", Write),
    ("create", "component_instance", Write),
    ("evaluate", "script javascript js code function javascript_expression", Execute),
    (
        "generate gen",
        "webhook endpoint api_key api_token access_token invite invitation account sas_token mailbox",
        Write,
    ),
    (
        "start initiate submit begin launch trigger kick",
        "analysis audit scan review check assessment evaluation inspection test_run crawl assessment_run",
        Execute,
    ),
    (
        "run execute perform conduct do make initiate start submit process",
        "search searches analysis audit scan lookup check validation diagnostics comparison \
        calculation assessment evaluation review inspection health_check full_text_search web_search \
        select_query read_query similarity_search semantic_search vector_search report_query \
        analytics forecast research report linter validator checker search_query get_request wildcard_search",
        Read,
    ),
    (
        "generate create make build prepare",
        "report summary overview preview analysis statistics insights suggestion suggestions hash \
        uuid guid qr qr_code recommendation recommendations estimate explanation diff outline \
        password random_number comparison forecast",
        Read,
    ),
    ("run perform execute do", "speed_test connectivity_test connection_test latency_test ping_test", Read),
    ("test check", "connection connectivity credentials api_connection reachability", Read),
    ("take capture get", "screenshot snapshot screen_capture", Read),
    ("take", "note notes", Write),
    ("open", "file document project node nodes entity note record", Read),
    ("handle accept dismiss", "dialog popup alert_dialog", Execute),
    ("type press enter", "text key keys keystroke keystrokes", Execute),
    ("request", "api http https", Execute),
    (
        "unlock lock open close",
        "door doors garage gate smart_lock vehicle car trunk valve blind blinds curtain curtains",
        Execute,
    ),
    ("promote", "deployment build release", Execute),
    ("sort", "range cells sheet rows", Write),
    ("format", "cell cells range row column table paragraph slide", Write),
    ("perform make send execute", "post_request put_request patch_request", Execute),
    ("run execute perform", "aggregation aggregation_pipeline", Read),
    (
        "open",
        "browser tab page url app website application link session window device connection terminal",
        Execute,
    ),
    ("close", "browser_session", Execute),
    ("close end", "session connection", Write),
    ("close", "browser tab tabs page window app terminal", Execute),
    ("select", "option dropdown element option_value", Execute),
    (
        "resolve",
        "issue issues thread comment comments alert alerts incident conversation ticket case \
        discussion task problem conflict review_thread finding",
        Write,
    ),
    ("resolve", "", Read),
    ("track log record", "event events activity time expense food weight workout metric", Write),
    ("load", "skill file data document model_list", Read),
    ("request", "review reviewers access reviewer copilot_review approval", Write),
    ("give", "kudos feedback reaction", Write),
    ("give", "data information info details list overview", Read),
    ("provide", "feedback clarification answer", Write),
    ("report", "bug issue abuse spam problem progress", Write),
    ("make", "directory dir folder public private copy note branch", Write),
    ("place", "call phone_call", Execute),
    ("place put", "block text marker component object element image", Write),
    ("make", "call phone_call request api_call api_request http_request", Execute),
    ("issue", "comment create update", Write),
    ("take", "action control", Execute),
    ("design plan", "", Read),
    ("initiate start begin trigger kick", "export import backup migration restore", Execute),
    // What a model or a machine makes
    ("generate gen", "pdf docx pptx xlsx pdf_document pdf_file word_document spreadsheet", Write),
    ("generate create compute make get", "embedding embeddings", Read),
    (
        "generate create make gen",
        "qr_image code_image chart_image diagram_image plot_image graph_image mermaid_image map_image \
        placeholder_image placeholder equation_image qrcode qr barcode",
        Read,
    ),
    (
        "generate gen create make produce edit transform convert",
        "speech music voice song soundtrack avatar animation sound_effect ai_image ai_video \
        text_to_speech",
        Execute,
    ),
    (
        "generate gen make",
        "image images video videos meme banner thumbnail poster infographic wallpaper comic portrait \
        headshot clip reel audio picture photo art artwork completion response text content sound \
        model illustration variations logo icon podcast story presentation \
        slides",
        Execute,
    ),
    (
        "generate",
        "code config configuration yaml schema template documentation docs test tests snippet script \
        sql query commit_message prompt prompts description types url link plan checklist names name \
        title ideas text_diff example examples policy chart charts diagram graph plot token tokens \
        signature key_pair boilerplate component outline address mnemonic wallet keypair pattern \
        palette color_palette markdown json csv data sample_data map timestamp",
        Read,
    ),
    (
        "create",
        "job run workflow_run execution task_run backup_job agent_run deployment training_job sandbox \
        instance vm cluster crawl session_run container browser_session",
        Execute,
    ),
    ("create", "deployment_plan task", Write),
    ("cancel stop", "recording trace", Execute),
    ("scale", "image picture figure drawing object", Write),
    (
        "build populate prepare compose",
        "query url transaction request prompt report context filter transaction_data \
        unsigned_transaction swap_transaction swap tx search",
        Read,
    ),
    ("print", "hello text value info tree", Read),
    ("call", "tool function api endpoint method contract", Execute),
    ("initiate make place dial", "call", Execute),
    ("create start schedule", "phone_call voice_call outbound_call", Execute),
    // What is made of the arguments alone
    ("generate gen", "", Read),
];

/// The heads that a rule speaks of, and its category.
type Heads = (Vec<Head>, Category);

static BY_VERB: LazyLock<HashMap<&'static str, Vec<Heads>>> = LazyLock::new(|| {
    let mut rules: HashMap<&str, Vec<Heads>> = HashMap::new();
    for &(verbs, heads, category) in RULES {
        for verb in verbs.split_whitespace() {
            rules.entry(verb).or_default().push((heads.split_whitespace().map(Head::of).collect(), category));
        }
    }
    rules
});

/// The words that a verb acts on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects<'t> {
    /// In lower case, in order; the last is the head.
    pub(crate) words: Vec<&'t str>,
    /// What follows `from`, up to its head: out of what a thing is taken or made.
    pub(crate) source: Vec<&'t str>,
}

impl Objects<'_> {
    /// Whether it is this.
    pub(super) fn is(&self, head: &'static str) -> bool {
        Head::of(head).ends(&self.words)
    }

    /// Whether it is taken or made out of this.
    pub(super) fn is_from(&self, head: &'static str) -> bool {
        Head::of(head).ends(&self.source)
    }
}

/// The head of an object, and the word that must stand before it.
#[derive(Clone, Copy)]
struct Head {
    before: Option<&'static str>,
    last: &'static str,
}

impl Head {
    fn of(text: &'static str) -> Self {
        match text.split_once('_') {
            None => Self { before: None, last: text },
            Some((before, last)) => Self { before: Some(before), last },
        }
    }

    /// Whether the last words are this head.
    fn ends(self, words: &[&str]) -> bool {
        let mut last = words.iter().rev();
        let (Some(end), before) = (last.next(), last.next()) else { return false };
        same(end, self.last) && self.before.is_none_or(|first| before.is_some_and(|word| same(word, first)))
    }
}

fn same(word: &str, head: &str) -> bool {
    word == head
        || word.strip_suffix('s').is_some_and(|one| one == head)
        || word.strip_suffix("ies").is_some_and(|stem| head.strip_suffix('y') == Some(stem))
}

/// What the verb does to this object, if a rule speaks of it; else what it does to any.
pub(crate) fn by_object(verb: Verb, objects: &Objects<'_>) -> Option<(Category, Force)> {
    by_this_object(verb, objects).or_else(|| {
        let (_, category) = BY_VERB.get(verb.base)?.iter().find(|(heads, _)| heads.is_empty())?;
        Some((*category, verb.force))
    })
}

/// What the verb does to this object, if a rule speaks of it.
pub(crate) fn by_this_object(verb: Verb, objects: &Objects<'_>) -> Option<(Category, Force)> {
    if let Some(category) = sources::of_source(verb, objects).or_else(|| assigned_work(verb, objects)) {
        return Some((category, Force::Firm));
    }
    let fits = |heads: &[Head]| heads.iter().any(|head| head.ends(&objects.words));
    let (_, category) = BY_VERB.get(verb.base)?.iter().find(|(heads, _)| fits(heads))?;
    Some((*category, Force::Firm))
}

/// What a piece of work does that is set going as a task: `assign a reboot task`.
fn assigned_work(verb: Verb, objects: &Objects<'_>) -> Option<Category> {
    const ASSIGNING: [&str; 9] =
        ["assign", "create", "schedule", "queue", "enqueue", "submit", "add", "dispatch", "send"];
    const WORK: [&str; 5] = ["task", "job", "command", "tasks", "jobs"];
    const WORKING: [&str; 8] = [
        "acquisition",
        "isolation",
        "collection",
        "retrieval",
        "execution",
        "installation",
        "remediation",
        "triage",
    ];
    let mut last = objects.words.iter().rev();
    let (work, what) = (last.next()?, last.next()?);
    if !ASSIGNING.contains(&verb.base) || !WORK.contains(work) {
        return None;
    }
    if WORKING.contains(what) {
        return Some(Execute);
    }
    let (inner, form) = super::verb(what)?;
    let works = inner.force == Force::Firm && form == Form::Base && inner.category > Category::Write
        || inner.base == "scan"
        || inner.base == "isolate";
    works.then(|| inner.category.max(Category::Execute))
}
