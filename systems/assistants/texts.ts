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
}
