//! Verbs of other languages. Where words are written apart they are compared by their beginning, as
//! endings vary; where they are not, the text is searched.

use crate::assessment::Category::{self, Destructive, Execute, Financial, Read, Write};

/// A verb found in another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foreign<'t> {
    /// What it does.
    pub(crate) category: Category,
    /// As it stands in the text.
    pub(crate) text: &'t str,
    /// Its first byte.
    pub(crate) start: usize,
}

/// Beginnings of words in German, French, Spanish, Portuguese, Italian, Russian, Polish, Turkish and Dutch; `=` ends a word that
/// must stand alone.
const STEMS: &[(Category, &str)] = &[
    // the worst first, because a word counts where it fits first
    (
        Financial,
        "bezahl zahle= zahlt= überweis kaufe= kaufen= kauft= verkauf erstatt abbuch bucht-ab= \
        paie= achet vendre= vend= transfér rembours factur pagar= paga= pague= cobrar= cobra= compra comprar \
        vender vende= transferir= transfiere= transfere= reembols estorn fatur pagare= acquist vendere= trasferi rimbors \
        оплат оплач перевод-денег купит покуп продат прода возвращает-деньги плат betaal",
    ),
    (
        Destructive,
        "lösch entfern widerruf zurücksetz kündig stornier leert= leeren= vernicht supprim efface effacer annul révoqu \
        réinitialis détrui vider= vide= elimin borra borrar= cancela cancelar= quitar= quita= restablec destru exclui= \
        excluir= deletar= deleta= apagar= apaga= rimuov rimuovi cancella= cancellare= annulla revoca= revocar= revocare= удал очист очища отмен \
        отзыв отозва сброс уничтож sterge= usuń usuw anuluj sil= siler= verwijder annuleer",
    ),
    (
        Execute,
        "ausführ führt= starte= starten= startet= bereitstell auslös generier neustart exécut lancer= lance= démarr \
        déploi déploy déclench génér ejecut iniciar= inicia= lanzar= lanza= despleg desplieg genera= generar= executa= executar= \
        implant gerar= gera= esegu avvia= avviare= lanciare= lancia= generare= выполн запуск запуст разверн сгенерир \
        генерир çalıştır uruchom uruchamia wykonuje wykonaj uitvoer voert=",
    ),
    (
        Write,
        "erstell anleg legt= aktualisier hinzufüg fügt= sende= senden= sendet= speicher änder bearbeit hochlad verschieb \
        umbenenn schreib créer= crée= créé= cré mettre= modifi ajout envoy envoi enregistr publie= publier= publica= publicar= téléverser= renomm écri crear= \
        crea= actualiz agreg añad enviar= envía= envia= guardar= guarda= modific subir= sube= editar= edita= escrib criar= \
        cria= atualiz adicion salvar= salva= escrev creare= aggiorn aggiung invia= inviare= caric scrive= scrivi= созда \
        обнов обновл добав отправ сохран измен загруз редактир запис oluştur güncelle gönder utwórz tworzy dodaj zapisz zapisuje wysyła wyślij aanmak maakt= verstuur verzend bijwerk wijzig",
    ),
    (
        Read,
        "abruf ruft= holt= holen= lesen= liest= suche= suchen= sucht= durchsuch auflist listet= anzeig zeig prüf berechn abfrag liefert= gibt= \
        obten récupér list recherch cherch lire= lit= affich consult vérif calcul renvoi retourn obtener= obtien obtiene= \
        buscar= busca= consult leer= lee= ver= mostrar= muestra= verific devuelv obter= obtém= pesquis ler= mostra= \
        retorna= devolve= somar= soma= ottien otten recuper elenc cerca= cercare= legg visualizz restitu получ найти= \
        найд поиск ищет= список= показ прочит провер чита возвраща вывод getir= al= sorgula listele hesapla kullan= \
        hava= pobierz pobiera wyszuk pokaż wyświetl zwraca haalt= ophal zoek toont=",
    ),
];

/// Pieces of Chinese words.
const CHINESE: &[(Category, &str)] = &[
    (Financial, "支付 提交订单 付款 转账 转帐 购买 退款 下单 买卖 充值 提现 卖出 买入 汇款"),
    (Destructive, "删除 刪除 移除 清空 清除 销毁 撤销 取消 重置 卸载 终止 吊销 注销账 清理 擦除 作废 撤回"),
    (
        Execute,
        "执行 運行 运行 启动 触发 部署 重启 生成图 生成视频 生成图片 点击 停止 调用函数 调用工具 调用方法 调用合约 绘制图 合成 安装 构建 编译 播放 打开",
    ),
    (
        Write,
        "创建 創建 新建 添加 新增 更新 修改 编辑 发送 發送 上传 保存 写入 设置 发布 移动 重命名 评论 回复 插入 登录 登入 记录 提交 关闭 复制 合并 导入 连接 绑定 订阅 分享 通知 授权 标记 归档 追加 替换",
    ),
    (
        Read,
        "获取 獲取 查询 查詢 搜索 搜尋 查找 列出 读取 查看 检索 检查 返回 显示 计算 解析 分析 获得 统计 提取 转换 抓取 当前 翻译 推荐 提供 执行只读 执行搜索 检测 识别 评估 预测 对比 比较 监控 验证 校验 导出 下载",
    ),
];

/// Pieces of Japanese words.
const JAPANESE: &[(Category, &str)] = &[
    (Financial, "支払 購入 送金 返金 振込 売却 注文を出 注文する 決済"),
    (Destructive, "削除 消去 破棄 取り消 キャンセル リセット 取消"),
    (Execute, "実行 起動 デプロイ 停止 クリック 生成 インストール"),
    (
        Write,
        "作成 追加 更新 変更 編集 送信 保存 登録 アップロード 投稿 移動 書き込 設定 返信 書き出 複製 コピー 割り当て 共有 通知",
    ),
    (
        Read,
        "取得 検索 一覧 読み取 読み込 表示 確認 調べ 計算 返す 返し 返却 変換 分析 提供 検証 参照 計測 測定 抽出 要約 翻訳 判定",
    ),
];

/// Pieces of Korean words.
const KOREAN: &[(Category, &str)] = &[
    (Financial, "결제 송금 이체 구매 환불 매수 매도 주문을 입금 출금"),
    (Destructive, "삭제 제거 취소 초기화 해지 폐기"),
    (Execute, "실행 배포 재시작 중지 클릭 시작합 설치"),
    (Write, "추가 수정 업데이트 변경 저장 전송 보내 등록 업로드 작성 이동 설정 생성 로그인 복사 공유"),
    (Read, "조회 검색 가져 목록 읽 확인 반환 찾 계산 분석 제공 보여 나열 추출 변환 측정 요약 번역"),
];

/// The verb that a word in lower case begins with.
pub(crate) fn foreign_word(word: &str) -> Option<Category> {
    let fits = |stem: &str| match stem.strip_suffix('=') {
        Some(whole) => word == whole,
        None => word.starts_with(stem),
    };
    STEMS.iter().find(|(_, stems)| stems.split_whitespace().any(fits)).map(|&(category, _)| category)
}

/// The verbs of a sentence that is written without spaces: the first in Chinese, the last in Japanese and
/// Korean, whose verbs stand at the end; and those of its other clauses that stand there too.
pub(crate) fn foreign_in_text(text: &str) -> Vec<Foreign<'_>> {
    let japanese = text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    let korean = text.chars().any(|c| matches!(c, '\u{ac00}'..='\u{d7a3}'));
    let chinese = text.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
    match (japanese, korean, chinese) {
        (true, _, _) => verbs_at_ends(text, JAPANESE),
        (_, true, _) => verbs_at_ends(text, KOREAN),
        (_, _, true) => verbs_at_beginnings(text),
        (false, false, false) => Vec::new(),
    }
}

/// The first verb of a Chinese sentence, and those that later clauses begin with.
fn verbs_at_beginnings(text: &str) -> Vec<Foreign<'_>> {
    const JOINING: [&str; 9] = ["并且", "并", "然后", "再", "以及", "和", "或", "最后", "同时"];
    let first = all(text, CHINESE).min_by_key(|found| (found.start, usize::MAX - found.text.len()));
    let later = clauses(text, &['，', ',', '、', '；']).into_iter().filter_map(|(start, clause)| {
        let bare = JOINING.iter().find_map(|word| clause.strip_prefix(word)).unwrap_or(clause);
        let at = start + clause.len() - bare.len();
        let found = all(bare, CHINESE).find(|found| found.start == 0)?;
        let named =
            bare.get(found.text.len()..).is_some_and(|rest| rest.starts_with(['的', '后', '时', '前']));
        (!named).then_some(Foreign { start: at, ..found })
    });
    let first_start = first.map_or(usize::MAX, |found| found.start);
    first.into_iter().chain(later.filter(|found| found.start > first_start)).collect()
}

/// The last verb of a Japanese or Korean sentence, and those that earlier clauses end with.
fn verbs_at_ends<'t>(text: &'t str, table: &'static [(Category, &'static str)]) -> Vec<Foreign<'t>> {
    /// What may stand behind the verb of a clause, in letters.
    const ENDING: usize = 3;
    let last = all(text, table).max_by_key(|found| found.start);
    let last_start = last.map_or(0, |found| found.start);
    let earlier = clauses(text, &['、', ',']).into_iter().filter_map(|(start, clause)| {
        let found = all(clause, table).max_by_key(|found| found.start)?;
        let behind = clause.get(found.start + found.text.len()..)?.trim_end().chars().count();
        let at = start + found.start;
        (behind > 0 && behind <= ENDING && at < last_start).then_some(Foreign { start: at, ..found })
    });
    last.into_iter().chain(earlier.collect::<Vec<_>>()).collect()
}

/// The clauses of a sentence with their places.
fn clauses<'t>(text: &'t str, between: &[char]) -> Vec<(usize, &'t str)> {
    let mut start = 0;
    let mut found = Vec::new();
    for clause in text.split(between) {
        let bare = clause.trim_start();
        found.push((start + clause.len() - bare.len(), bare));
        start += clause.len()
            + text.get(start + clause.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    found
}

fn all<'t>(text: &'t str, table: &'static [(Category, &'static str)]) -> impl Iterator<Item = Foreign<'t>> {
    table.iter().flat_map(move |&(category, pieces)| {
        pieces.split_whitespace().flat_map(move |piece| {
            text.match_indices(piece).map(move |(start, text)| Foreign { category, text, start })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_of_many_languages() {
        for (word, category) in [
            ("löscht", Destructive),
            ("überweist", Financial),
            ("supprime", Destructive),
            ("envoie", Write),
            ("elimina", Destructive),
            ("ejecuta", Execute),
            ("obtiene", Read),
            ("apaga", Destructive),
            ("rimuove", Destructive),
            ("удаляет", Destructive),
            ("получает", Read),
            ("usuwa", Destructive),
            ("verwijdert", Destructive),
            ("zoekt", Read),
            ("betaalt", Financial),
        ] {
            assert_eq!(foreign_word(word), Some(category), "{word}");
        }
        for (text, category) in [
            ("删除一个文件", Destructive),
            ("获取已删除的文件", Read),
            ("削除されたファイルを取得する", Read),
            ("파일이나 폴더를 삭제합니다", Destructive),
            ("Aへ送金する", Financial),
            ("执行只读查询", Read),
            ("执行查询", Execute),
            ("读取文件，添加水印，保存成新文件", Write),
            ("查询订单，删除过期记录", Destructive),
            ("查询订单，删除的记录除外", Read),
            ("ファイルを削除し、一覧を返します", Destructive),
            ("削除済みの項目を含め、一覧を返します", Read),
        ] {
            let worst = foreign_in_text(text).into_iter().map(|found| found.category).max();
            assert_eq!(worst, Some(category), "{text}");
        }
    }
}
