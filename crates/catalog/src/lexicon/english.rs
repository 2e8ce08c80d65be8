//! English: what verbs do, nouns that stand for information, and words without weight.

use super::Force::{Firm, Soft};
use super::Kind::{Dispatch, Either, Light, Verb};
use super::{Force, Kind};
use crate::assessment::Category::{self, Destructive, Execute, Financial, Read, Write};

/// Every verb once, in its base form.
pub(super) const VERBS: &[(Category, Force, Kind, &str)] = &[
    (
        Read,
        Firm,
        Verb,
        "backtest geolocate tabulate recall reason get return encrypt fetch retrieve retrive read \
        describe show find browse inspect explain compare validate verify analyze analyse diagnose \
        detect identify summarize summarise calculate compute assess discover explore recommend \
        suggest predict enumerate examine investigate probe obtain determine introspect interpret \
        classify categorise geocode decode normalize subtract multiply divide lint paginate tokenize \
        deduce think solve demonstrate lookup peek collect gather scrape perceive calc translate \
        greet crossreference locate advise brainstorm visualise proofread autocomplete convert \
        decompile disassemble infer estimate preview monitor resemble critique substitute pretty \
        beautify minify encode lemmatize whoami grep glance ascertain correlate contextualize grok \
        troubleshoot rephrase paraphrase",
    ),
    (Read, Firm, Either, "list search view check look count forecast ls stat measure"),
    (
        Read,
        Soft,
        Verb,
        "prepare await sleep stream localize mask chunk optimize rerank provide simulate prioritize \
        codegen parse extract evaluate render display ask consult access crawl transform format \
        capture ping wait echo understand decide learn offer tell contain support reveal observe \
        export download transcribe plot visualize say random randomize expand prove \
        traverse spellcheck sample interpolate",
    ),
    (
        Read,
        Soft,
        Either,
        "process select query filter score rank audit review scan watch track trace diff match map \
        quote screenshot snapshot research answer hash profile dump sort tail head cat cross \
        reference study question benchmark help guide plan chart graph route sum tree chat roll flip \
        guess poll survey",
    ),
    (
        Write,
        Firm,
        Verb,
        "freeze unfreeze ignore increase decrease paste persist protect quarantine remind \
        unpause whitelist allowlist blacklist zip unzip mount unmount elevate emit reauthorize \
        unsnooze finalise categorize retain preset relabel pipe untrash untaint unprotect create \
        authorize deny cordon uncordon reprioritize expose add update edit modify insert append \
        prepend upsert save write rename send publish notify invite assign unfollow unpin archive \
        unarchive reopen approve unapprove reject decline subscribe unsubscribe resubscribe enable \
        disable activate deactivate lock unlock mute unmute snooze resume reschedule remember \
        memorize ingest attach detach unlink unassign untag configure customize adjust crop replace \
        promote demote compose define declare initialize initialise login logout authenticate \
        unblock unban join upvote downvote react complete finalize increment decrement annotate \
        reorder propose contribute restore undo redo revert stage unstage escalate acknowledge \
        dismiss unhide hide watermark allocate enroll unenroll rebase enter unresolve \
        unpublish reassign reactivate reply upload duplicate enqueue sanitize transition toggle \
        onboard dedupe impersonate assume rearrange resize unsuspend suspend ban alias populate \
        reparent recategorize rsvp unmerge unstar favorite unfavorite unlike enrich backfill \
        subclass delist hset lpush rpush sadd zadd xadd setex mkdir touch chmod chown mv cp symlink \
        scaffold bootstrap unmark unshare undelete cherrypick clockin optin",
    ),
    (Write, Firm, Either, "put post set patch comment tweet retweet trash seed"),
    (
        Write,
        Soft,
        Verb,
        "dispose acquire compact recover replicate trim signup mirror strip unpack organize override \
        extend fix autofix init auth setup submit connect disconnect accept respond begin choose \
        unset mutate alter refresh import split combine compress concatenate concat instantiate confirm \
        load apply close rotate wrap fulfill fulfil leave ensure sync adapt maintain improve apologize renew emulate \
        throttle",
    ),
    (
        Write,
        Soft,
        Either,
        "email mail dm new move copy change share forward tag label mark star like follow bookmark \
        pin pause schedule merge commit push pull checkout clone fork stash message log record note \
        store link vote rate report grant draft sign switch group backup release register request \
        index cache book reserve flag resolve open design enhance cut overlay layer reservation \
        block embed alert branch ticket bind position point zoom exchange hire wire queue pop",
    ),
    (
        Destructive,
        Firm,
        Verb,
        "offboard retract yank wipeout delete remove destroy purge wipe erase truncate terminate kill \
        revoke uninstall abort deregister unregister discard evict prune overwrite nuke expunge \
        deprovision teardown undeploy invalidate obliterate shred disband flushall flushdb hdel xdel \
        zrem srem lrem rmdir rm del dismantle cancel decommission unprovision eradicate forget \
        unsend cleanup vacate deallocate forcepush takedown killall rmi expel uninvite",
    ),
    (Destructive, Firm, Either, "drop clear flush empty clean"),
    (Destructive, Soft, Either, "reset burn"),
    (Destructive, Soft, Verb, "void expire rollback kick eject retire"),
    (
        Execute,
        Firm,
        Verb,
        "rebuild reindex reload rescan retrain transcode reprocess recompile execute invoke deploy \
        redeploy restart reboot launch install spawn rerun retrigger imagine inpaint outpaint \
        upscale synthesize orchestrate automate eval compile shutdown click dblclick doubleclick \
        hover tap goto relaunch fuzz inject bootup finetune dispatch reinstall retry replay navigate \
        drag scroll swipe stepover poweroff hangup failover",
    ),
    (Execute, Firm, Either, "run trigger start stop"),
    (
        Execute,
        Soft,
        Verb,
        "repair isolate dial curl vacuum calibrate serve upgrade downgrade recharge rebalance drain advance gen generate \
        regenerate interact boot wake halt train actuate go continue migrate provision delegate \
        engage attack exploit force skip speak morph animate remix stylize recolor dub blend",
    ),
    (
        Execute,
        Soft,
        Either,
        "kubectl exec npx fill debug build test call play scale print press type command control job \
        drive broadcast experiment turn shell script finish mint visit interrupt end",
    ),
    (
        Financial,
        Firm,
        Verb,
        "pay buy sell withdraw borrow repay lend unstake redelegate undelegate reimburse remit \
        liquidate redeem disburse invest airdrop repurchase donate topup payout wager cashout pledge",
    ),
    (Financial, Soft, Verb, "settle supply unwrap award snipe"),
    (
        Financial,
        Soft,
        Either,
        "purchase refund charge transfer deposit trade swap stake tip bet bid invoice bridge claim \
        fund order rent payment",
    ),
    (
        Execute,
        Soft,
        Light,
        "perform do make conduct carry take give use try initiate issue place bulk batch handle \
        undertake",
    ),
    (Write, Soft, Dispatch, "manage administer operate"),
];

/// Nouns that, last in a name, say that something is told.
pub(super) const INFORMATION: &str = "status info information details detail stats statistics history list lists summary overview \
        count counts balance balances price prices data results result logs metrics usage health \
        version versions schema help guide docs documentation report reports search lookup quote \
        quotes rates rate availability insights analysis eligibility profile profiles calculator \
        converter finder checker validator analyzer explorer searcher methods types options news \
        forecast weather trends trending ranking rankings leaderboard ticker timeline feed tree \
        structure content contents text title description getter outcomes locations protocols \
        references estimate preview comparison recommendations suggestions guidance resolution \
        recognition scraper crawler thinking practices support time date market markets chart ohlcv \
        overviews holdings positions query length ratio odds signals tracking \
        symbols fees hours pools level levels";

/// Words before the verb of a sentence.
pub(super) const OPENERS: &str = "this the a an it tool tools function endpoint api method operation command utility action \
        allows allow allowing lets let enables you your user users agent agents ai to for that which \
        used use using useful can could be will would should is are helps help designed when need \
        needs want wants if in order also please must and then ability able able way mcp server \
        client clients one step first simple simply easily advanced service we i our us them their \
        both various comprehensive basic full powerful quick smart specialized intended responsible \
        via with support supports supporting purpose main primary low high level direct unified \
        general generic at any multi soft hard mass permanent";

/// Words that end the object of a verb.
pub(super) const PREPOSITIONS: &str = "for from to by with using in on of at about via into onto through within between under over \
        as that which where when if based against across before after and or per given during \
        without so matching containing including returns returning via together off";
