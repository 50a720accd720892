/** What people read of this system, in its default language. One place for all of it. */
export const texts = {
  /** @param name of who wrote; @param chat its name, where it has one */
  mentioned: (name: string, chat: string | null) =>
    chat === null ? `${name} упоминает вас` : `${name} упоминает вас в чате «${chat}»`,
  /** Users were called by `@@` who have no role. */
  withoutRole: (usernames: readonly string[]) =>
    usernames.length === 1
      ? `У пользователя ${usernames[0]} нет ИИ-роли: ответить некому.`
      : `У пользователей ${usernames.join(", ")} нет ИИ-ролей: ответить некому.`,
  /** More roles were called than one message may call. */
  tooManyCalled: (most: number) => `Одно сообщение вызывает не больше ${most} ролей: остальные не ответят.`,

  /** @param role name of the AI role whose model did not answer */
  answerFailed: (role: string) => `Роль «${role}» не смогла ответить. Попробуйте ещё раз позже.`,
  /** @param role name of the AI role that was asked */
  budgetSpent: (role: string) =>
    `Роль «${role}» не ответит: месячный лимит токенов вашей организации исчерпан. Обратитесь к администратору.`,

  /** Title of the notice of an event. */
  reminder: (title: string) => `Напоминание: ${title}`,
  /** What the role of an event is asked when it fires. */
  askForReminder: (title: string, description: string | null) =>
    `Наступило время события календаря «${title}».${description === null ? "" : `\n\n${description}`}\n\nНапиши короткое напоминание тем, кого оно касается.`,

  emailCodeSubject: "Код подтверждения",
  /** @param code six digits */
  emailCode: (code: string) =>
    `Ваш код: ${code}\nОн действует 15 минут. Если вы не подключали уведомления по почте, ничего не делайте.`,

  /** What the bot says. */
  bot: {
    home: "🏠 Домой",
    back: "← Назад",
    next: "Следующий →",
    approve: "✅ Одобрить",
    edit: "✏️ Исправить",
    reject: "❌ Отклонить",
    /** @param count answers that await review */
    waiting: (count: number) => `Ждут проверки: ${count}`,
    homeText: (name: string) =>
      `${name}, пишите сюда: сообщение попадёт в ваш основной чат, ответ придёт сюда же.\n\n/review — ответы, ждущие проверки\n/stop — не присылать уведомления\n/cancel — начать сначала`,
    linked: "Готово: Telegram подключён.",
    unknown: "Мы пока не знакомы. Откройте ссылку на этого бота из своего профиля: она подключит ваш аккаунт.",
    badLink: "Эта ссылка не подходит: она уже использована или устарела. Возьмите новую в своём профиле.",
    taken: "Этот аккаунт Telegram уже подключён к другому пользователю. Сначала отключите его там.",
    wantedElsewhere: "Ваш аккаунт Telegram пытались подключить к другому пользователю. Ничего не изменилось.",
    expired: "Прошло слишком много времени, начнём сначала.",
    onlyText: "Я понимаю только текст.",
    asked: "Думаю над ответом…",
    noted: "Записано в ваш чат. Отвечать некому: у вас нет ИИ-роли.",
    askEdit: "Пришлите исправленный текст: ответ будет одобрен с ним.",
    askCorrection: "Пришлите поправку: как надо было ответить? Роль её запомнит.",
    approved: "Ответ одобрен.",
    edited: "Ответ исправлен и одобрен.",
    rejected: "Ответ отклонён, поправка сохранена.",
    nothingWaits: "Ничего не ждёт проверки.",
    stopped: "Уведомления в Telegram выключены. Включить их снова можно в профиле.",
    /** @param code of the error */
    refused: (code: string) =>
      ({
        ILLEGAL_TRANSITION: "Этот ответ уже проверен.",
        NOT_FOUND: "Этого уже нет.",
        FORBIDDEN: "На это у вас нет прав.",
        VALIDATION_FAILED: "Такой текст не подходит: нужно от 1 до 16 000 символов.",
        CHAT_INACTIVE: "Этот чат закрыт.",
      })[code] ?? "Не получилось. Попробуйте ещё раз.",
  },
}
